/** What tells one call of a kernel from another, in words. */

import type { Case } from '../case/case.ts';

/** Differences that are told. */
const most = 4;

/**
 * How a call differs from the case that it was made of: threads, parameters, tensors that are of another shape or
 * that only one of them has. Empty where they ask for the same of other memory or numbers.
 */
export function differenceWords(base: Case, other: Case): string {
  const words: string[] = [];
  if (other.threads !== base.threads) words.push(`${other.threads} threads`);
  const params = base.params as Record<string, unknown>;
  for (const [name, value] of Object.entries(other.params))
    if (JSON.stringify(value) !== JSON.stringify(params[name]))
      words.push(`${name} ${JSON.stringify(value)}`);
  for (const [role, { shape }] of Object.entries(other.tensors))
    if (shape.join() !== base.tensors[role]?.shape.join()) words.push(`${role} [${shape.join(', ')}]`);
  for (const role of Object.keys(base.tensors)) if (!other.tensors[role]) words.push(`no ${role}`);
  return words.length > most ? [...words.slice(0, most), '...'].join(', ') : words.join(', ');
}
