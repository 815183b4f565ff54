/** What GitHub Actions shows of the gate: annotations on stdout, and a summary in Markdown. */

import type { Judged } from './gate.ts';
import { type Line, linesOf } from './lines.ts';

/**
 * Workflow commands, one a line that is red and one a warning. GitHub shows ten of a kind for each step, so cells
 * come folded.
 */
export function annotations(judged: Judged): string[] {
  const red = linesOf(judged.rows).filter(line => line.state === 'red');
  return [
    ...red.map(line => command('error', nameOf(line), `${line.seen}: ${line.why}`)),
    ...judged.problems.map(problem => command('error', 'tierwise gate', problem)),
    ...judged.warnings.map(warning => command('warning', 'tierwise gate', warning)),
  ];
}

function command(level: 'error' | 'warning', title: string, message: string): string {
  const data = (text: string) => text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
  const property = (text: string) => data(text).replace(/:/g, '%3A').replace(/,/g, '%2C');
  return `::${level} title=${property(title)}::${data(message)}`;
}

/** The same as a table, with a heading that says how it ended. */
export function summary(judged: Judged, sentence: string): string {
  const rows = linesOf(judged.rows).map(line =>
    [line.state, nameOf(line), line.seen, line.evidence, line.why].map(cell),
  );
  return [
    `### ${judged.red ? '❌' : '✅'} tierwise gate: ${cell(sentence)}`,
    '',
    ...judged.problems.map(problem => `- ❌ ${cell(problem)}`),
    ...judged.warnings.map(warning => `- ⚠️ ${cell(warning)}`),
    '',
    '| | cells | seen | least evidence | why |',
    '|---|---|---|---|---|',
    ...rows.map(row => `| ${row.join(' | ')} |`),
    '',
  ].join('\n');
}

function nameOf({ provider, op, kernel, tier, dtypes }: Line): string {
  return `${provider}/${op}/${kernel}/${tier} ${dtypes.join(', ')}`;
}

/** Text in one cell: nothing in it is markup. */
function cell(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>|~#&]/g, character => `&#${character.charCodeAt(0)};`);
}
