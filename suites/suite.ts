/**
 * What a suite is: everything that the harness knows of one op, as data.
 */

import type { Arbitrary } from 'fast-check';
import type { Case, Op } from '../src/case/case.ts';
import type { Promised } from '../src/case/promise.ts';
import type { Roof } from '../src/case/roof.ts';
import type { Law } from './law.ts';
import type { Change } from './near.ts';

/** A dimension along which cases vary, and the edges on which real bugs turned. */
export interface Dimension {
  readonly name: string;
  readonly edges: readonly string[];
  /** The edges that a case stands on: told from the case itself, not from what the generator meant. */
  readonly of: (c: Case) => readonly string[];
}

/** A case with a name: a shape of a real model, on real or ordinary data. */
export interface NamedCase {
  readonly name: string;
  readonly case: Case;
  /** Smaller cases of its kind, the boldest steps first. */
  readonly smaller: () => Iterable<NamedCase>;
}

/**
 * What one call must at least do, and beside what that is put: bytes that it moves, read and written, beside a
 * memcpy of one tensor to another; bytes that it reads, beside reading the tensors where they stand; or
 * multiplications and additions, counted apart, beside those of the tier from registers alone. Tensors are named
 * by their roles, and have no gaps.
 */
export type Work = {
  /** Bytes; operations under the roof `multiply-add`. */
  readonly amount: number;
} & (
  | { readonly roof: Extract<Roof, 'memcpy'>; readonly from: string; readonly to: string }
  | { readonly roof: Extract<Roof, 'read'>; readonly of: readonly string[] }
  | { readonly roof: Extract<Roof, 'multiply-add'> }
);

/** A shape for the clock. */
export interface TimedShape {
  readonly name: string;
  /** `512 x 4096`. */
  readonly size: string;
  readonly rows: number;
  readonly n: number;
  /** The shape by which tiers are compared at a glance. */
  readonly headline?: true;
  /** Too long for a quick run. */
  readonly long?: true;
  /** The case in a type, together with what one call must do. */
  readonly make: (dtype: 'f32' | 'f16' | 'bf16') => { case: Case; work: Work };
}

/** Another way to ask a case. */
export interface Derived {
  readonly case: Case;
  /**
   * Each of its outputs in rows.length equal blocks: block i answers block rows[i] of the base case's; null: none.
   * Absent: one block.
   */
  readonly rows?: readonly (number | null)[];
  /** Outputs that answer each other; absent: all that both have. */
  readonly roles?: readonly string[];
  /** A power of two: its outputs are so many times the base case's, where neither is subnormal or overflows. Absent: 1. */
  readonly times?: number;
}

/**
 * The same thing asked another way must give the same answer: in bits where it is owed (bits.md,
 * contracts.md), within the bound otherwise.
 */
export interface Relation {
  readonly name: string;
  /** What must hold, in one line. */
  readonly says: string;
  /** Who owes it in bits: everyone, or who makes all of these promises. */
  readonly owed: 'everyone' | readonly Promised[];
  /** null: nothing to ask of this case. `draw(n)` picks one of n, by the case alone. */
  readonly derive: (c: Case, draw: (n: number) => number) => Derived | null;
  /**
   * It asks of numbers of another size: in bits of class F32 alone, as the others may flush subnormals, and round to
   * types of a narrower range.
   */
  readonly resizes?: true;
  /** Names of the dimensions that it turns on: on edges of theirs it is asked first. Absent: on none more than others. */
  readonly about?: readonly string[];
}

/** One way to break the contract. */
export interface Refusal {
  /** What is wrong with the call: `y overlaps x`. */
  readonly what: string;
  /** The dimension on whose edges alone calls can be broken so: where one can, it is, beside others that are drawn. */
  readonly about?: string;
  /** Set where the broken call differs from the valid one in integers that lie in memory, and in nothing else. */
  readonly inMemory?: true;
  /** The broken call made of a valid one; null where that one can't be broken this way. */
  readonly of: (c: Case) => Case | null;
}

export interface Suite {
  readonly op: Op;
  /**
   * The arbitrary behind case number k: k deals out rare edges in turn, the rest is drawn. Its values are
   * plans, small records that shrink well; `build` makes a valid case of any plan.
   */
  readonly plans: (k: number) => Arbitrary<unknown>;
  readonly build: (plan: unknown) => Case;
  /** What one call of a case costs, about: elements that are taken in or multiplied. */
  readonly cost: (c: Case) => number;
  /** What may change in a call while all else stays, one at a time, beside an element of an input. */
  readonly near: readonly Change[];
  /** What fields of plans are called where a finding is explained, if not by their path. */
  readonly fieldNames?: Readonly<Record<string, string>>;
  /** Checked among the first. */
  readonly named: readonly NamedCase[];
  /** Beside those that every op has (relations.ts). */
  readonly relations: readonly Relation[];
  readonly laws: readonly Law[];
  /** Calls that must be refused. */
  readonly refusals: readonly Refusal[];
  readonly dimensions: readonly Dimension[];
  readonly shapes: readonly TimedShape[];
}
