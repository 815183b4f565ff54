/**
 * What a suite is: everything that the harness knows of one op, as data.
 */

import type { Arbitrary } from 'fast-check';
import type { Case, Op } from '../src/case/case.ts';
import type { Property } from '../src/check/property.ts';

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
}

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
  /** The case in a type, contiguous, one thread, together with the bytes that one call must move. */
  readonly make: (dtype: 'f32' | 'f16' | 'bf16') => { case: Case; bytes: number };
}

export interface Suite {
  readonly op: Op;
  /**
   * The arbitrary behind case number k: k deals out rare edges in turn, the rest is drawn. Its values are
   * plans, small records that shrink well; `build` makes a valid case of any plan.
   */
  readonly plans: (k: number) => Arbitrary<unknown>;
  readonly build: (plan: unknown) => Case;
  /** Checked among the first. */
  readonly named: readonly NamedCase[];
  /** Asked of every case in turn; what every run is examined for needs no mention. */
  readonly properties: readonly Property[];
  readonly dimensions: readonly Dimension[];
  readonly shapes: readonly TimedShape[];
}
