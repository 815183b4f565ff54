/**
 * Laws: what the numbers of one call or several owe each other, each within its own bound. Where a relation asks
 * for the same answer, a law judges answers that differ.
 */

import type { Case } from '../src/case/case.ts';
import type { Bits } from '../src/case/dtype.ts';

/** A tensor of a call, as stored and in value, C order. */
export interface Numbers {
  readonly bits: Bits;
  readonly values: Float64Array;
}

/** An output. */
export interface Answer extends Numbers {
  /** How far each value may be from the reference's: its bound and half an ulp. Infinite where either has no number. */
  readonly error: Float64Array;
}

/** A call that a kernel has answered. */
export interface Run {
  readonly case: Case;
  readonly inputs: Readonly<Record<string, Numbers>>;
  readonly outputs: Readonly<Record<string, Answer>>;
}

/** What does not obey a law: an element of an output of the base call, or a number that begins there. */
export interface Disobeyed {
  readonly role: string;
  readonly index: number;
  readonly expected: string;
  readonly seen: string;
  /** How far apart they are, and how far they may be; null: bits were compared. */
  readonly excess: number | null;
  readonly bound: number | null;
}

export interface Law {
  readonly name: string;
  /** What must hold, in one line. */
  readonly says: string;
  /** Whether it speaks of a case. */
  readonly concerns: (c: Case) => boolean;
  /**
   * The calls beside the case's own, each made of those before it, the case's first, and what they gave.
   * `draw(n)` picks one of n, by the case alone.
   */
  readonly calls: readonly ((runs: readonly Run[], draw: (n: number) => number) => Case)[];
  /** Where the law is broken; undefined: nowhere. */
  readonly broken: (runs: readonly Run[]) => Disobeyed | undefined;
}

/** The breach of two numbers that should be one, but for `allowed`. Infinite: nothing is asked of them. */
export function differs(
  role: string,
  index: number,
  expected: number,
  seen: number,
  allowed: number,
): Disobeyed | undefined {
  const excess = Math.abs(seen - expected);
  if (allowed === Infinity || excess <= allowed) return undefined;
  return { role, index, expected: String(expected), seen: String(seen), excess, bound: allowed };
}
