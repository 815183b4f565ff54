/** Writing to a terminal: colours where they are wanted, tables, a line of progress. */

import pico from 'picocolors';

/** Colours for a terminal, unless the user wants none (no-color.org); FORCE_COLOR asks for them anywhere. */
function coloursFor(stream: { isTTY?: boolean }) {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const wanted = FORCE_COLOR ? FORCE_COLOR !== '0' : stream.isTTY === true && TERM !== 'dumb';
  return pico.createColors(wanted && !NO_COLOR);
}

/** For stdout. */
export const colours = coloursFor(process.stdout);
const errorColours = coloursFor(process.stderr);

export type Align = 'left' | 'right';

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a colour is made of.
const colourCodes = /\u001b\[\d+m/g;

function widthOf(text: string): number {
  return text.replace(colourCodes, '').length;
}

/** Columns side by side, two spaces between them; the last is not padded. */
export function table(
  head: readonly string[],
  align: readonly Align[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((title, i) => Math.max(widthOf(title), ...rows.map(row => widthOf(row[i]))));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => {
        const gap = ' '.repeat(widths[i] - widthOf(cell));
        return align[i] === 'right' ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
  return [colours.dim(line(head)), ...rows.map(line)].join('\n');
}

/** Milliseconds between lines of progress in a log. */
const quiet = 30_000;

/** A line on stderr that is written over, when stderr is a terminal; a line now and then otherwise. */
export class ProgressLine {
  readonly #live = process.stderr.isTTY === true;
  #said = performance.now();

  show(text: string): void {
    if (this.#live) {
      process.stderr.write(`\r\u001b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    } else if (performance.now() - this.#said > quiet) {
      this.#said = performance.now();
      say(text);
    }
  }

  done(): void {
    if (this.#live) process.stderr.write('\r\u001b[K');
  }
}

/** Says on stderr what went wrong, in one line. */
export function complain(text: string): void {
  say(`${errorColours.red('tierwise:')} ${text.trim().replace(/\s*\n\s*/g, ' ')}`);
}

/** A line on stderr for what a person waits for. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
