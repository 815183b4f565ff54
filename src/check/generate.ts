/**
 * The sequence of cases: case k of a run is a function of (seed, op, k) and nothing else.
 */

import * as fc from 'fast-check';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { NamedCase, Suite } from '../../suites/suite.ts';
import type { Case } from '../case/case.ts';
import { deriveSeed } from '../case/random.ts';

/** A case of the sequence, with the smaller ones that it shrinks to. */
export interface Drawn {
  readonly case: Case;
  /** The suite's plan that it was built of; a named case, or a user's own, has none. */
  readonly plan?: unknown;
  /** Smaller cases, the boldest steps first; lazily made. */
  readonly smaller: () => Iterable<Drawn>;
}

/**
 * Places of a suite's named cases in the sequence: drawn cases, which are smaller, come before them, and then
 * stand between them. One after the other they would use up a short budget: with a slow kernel the two dozen
 * of gqa take five seconds.
 */
const namedFrom = 32;
const namedEvery = 8;

/** Case k. A user's own cases, if any, come before all others; they are as small as they are. */
export function drawCase(suite: Suite, seed: number, k: number, own: readonly Case[] = []): Drawn {
  if (k < own.length) return { case: own[k], smaller: () => [] };
  return drawNext(suite, seed, k - own.length);
}

function drawNext(suite: Suite, seed: number, k: number): Drawn {
  const turn = Math.max(0, k - namedFrom);
  const before = Math.min(suite.named.length, Math.ceil(turn / namedEvery));
  const named = k >= namedFrom && turn % namedEvery === 0 ? suite.named[before] : undefined;
  if (named) return drawnNamed(named);
  const plans = suite.plans(k - before);
  const random = new fc.Random(xoroshiro128plus(deriveSeed(seed, suite.op, k) | 0));
  return drawnFrom(suite, plans, plans.generate(random, undefined));
}

/** The seed of plans that are looked at and not built, and how many: enough to see every dealt edge. */
const sampleSeed = 2;
const samples = 256;

/** Some plans of a suite, always the same: what values its fields take. */
export function samplesOf(suite: Suite): unknown[] {
  return Array.from({ length: samples }, (_, k) => {
    const random = new fc.Random(xoroshiro128plus(deriveSeed(sampleSeed, suite.op, k) | 0));
    return suite.plans(k).generate(random, undefined).value;
  });
}

function drawnFrom(suite: Suite, plans: fc.Arbitrary<unknown>, value: fc.Value<unknown>): Drawn {
  return {
    case: suite.build(value.value),
    plan: value.value,
    *smaller() {
      for (const next of plans.shrink(value.value, value.context)) yield drawnFrom(suite, plans, next);
    },
  };
}

function drawnNamed(named: NamedCase): Drawn {
  return {
    case: named.case,
    *smaller() {
      for (const next of named.smaller()) yield drawnNamed(next);
    },
  };
}
