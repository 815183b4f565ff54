/** Which digits of two numbers differ: what the eye would otherwise have to search for. */

/** A number's text in three parts, of which the middle one differs. */
export interface Digits {
  readonly same: string;
  readonly differs: string;
  readonly after: string;
}

const decimal = /^(-?)(\d+)(?:\.(\d+))?(e[+-]?\d+)?$/i;

/** Whether a digit at the same place from the left weighs the same in both. */
function aligned(a: string, b: string): boolean {
  const x = decimal.exec(a);
  const y = decimal.exec(b);
  if (!x || !y) return false;
  return x[1] === y[1] && x[2].length === y[2].length && (x[4] ?? '') === (y[4] ?? '');
}

function split(text: string, from: number): Digits {
  const exponent = text.search(/e[+-]?\d+$/i);
  const end = exponent < 0 ? text.length : exponent;
  const start = Math.min(from, end);
  return { same: text.slice(0, start), differs: text.slice(start, end), after: text.slice(end) };
}

/**
 * Both numbers, split at the first digit that differs. Where sign, size or exponent differ, or where either
 * is a word (`NaN`), all of it differs; equal texts have no part that does.
 */
export function differingDigits(expected: string, seen: string): [expected: Digits, seen: Digits] {
  if (expected === seen) {
    const same = { same: expected, differs: '', after: '' };
    return [same, same];
  }
  if (!aligned(expected, seen)) {
    const whole = (text: string) => ({ same: '', differs: text, after: '' });
    return [whole(expected), whole(seen)];
  }
  let from = 0;
  while (from < expected.length && expected[from] === seen[from]) from++;
  return [split(expected, from), split(seen, from)];
}
