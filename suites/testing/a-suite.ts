/** What every suite owes, whatever its op: for the tests beside each. */

import { describe, expect, test } from 'vitest';
import {
  type Case,
  caseSchema,
  cellDtype,
  countOf,
  type Op,
  outputElements,
  outputsOf,
} from '../../src/case/case.ts';
import type { FloatDtype } from '../../src/case/dtype.ts';
import { type Drawn, drawCase } from '../../src/check/generate.ts';
import { shrink } from '../../src/check/shrink.ts';
import { commonRelations } from '../relations.ts';
import type { Suite } from '../suite.ts';
import { brokenBy, elementsOf } from './contract.ts';

const sizeOf = { f32: 4, i32: 4, f16: 2, bf16: 2 } as const;

/** What a suite's tests know of its op. */
export interface Particulars {
  /** Whether a case has types that not every kernel owes (contracts.md): the generator asks for none. */
  readonly exotic: (c: Case) => boolean;
  /** Cases in which all edges are seen. */
  readonly edgesWithin: number;
  /** What is wrong with the smallest case that any other shrinks to, beside its one element; undefined: nothing. */
  readonly tooLarge: (smallest: Case) => string | undefined;
  /** The most elements a case has on average: a check owes its throughput to it. */
  readonly meanElements: number;
}

/** What is wrong with a case as memory; the contract is `brokenBy`. */
function misplaced(c: Case): string | undefined {
  for (const [role, tensor] of Object.entries(c.tensors)) {
    const { buffer, offset, shape, strides, dtype, data } = tensor;
    if (outputsOf(c).includes(role) === (data !== undefined))
      return `${role}: data on an output, or none on an input`;
    if (strides.length !== shape.length || strides.some(stride => stride < 0)) return `${role}: strides`;
    if (buffer === null) {
      if (countOf(shape) > 0) return `${role}: elements at NULL`;
      continue;
    }
    const { bytes, edge } = c.buffers[buffer];
    const size = sizeOf[dtype];
    const last = shape.reduce(
      (sum, extent, d) => sum + (extent - 1) * (extent > 1 ? strides[d] : 0) * size,
      offset,
    );
    if (countOf(shape) > 0 && last + size > bytes) return `${role}: past the end of its buffer`;
    const base = edge === 'end' ? (4096 - (bytes % 4096)) % 4096 : 0;
    if ((base + offset) % size !== 0) return `${role}: not aligned to its elements`;
  }
  return undefined;
}

function* take<T>(items: Iterable<T>, count: number): Iterable<T> {
  for (const item of items) {
    if (count-- <= 0) return;
    yield item;
  }
}

/** The tests of a suite: its generator and relations keep the contract, it reaches its edges, its refusals break it. */
export function testSuite(suite: Suite, { exotic, edgesWithin, tooLarge, meanElements }: Particulars): void {
  const drawn = (seed: number, k: number): Drawn => drawCase(suite, seed, k);
  // Brute force on the largest is slow and tells nothing more.
  const bases = Array.from({ length: 1500 }, (_, k) => ({ k, base: drawn(3, k).case })).filter(
    ({ base }) => outputElements(base) <= 2000,
  );

  test('10,000 cases keep the contract, lie in their memory, and survive JSON', () => {
    const wrong: string[] = [];
    for (let k = 0; k < 10_000; k++) {
      const c = drawn(1 + (k % 5), k).case;
      const why = brokenBy(c) ?? misplaced(c) ?? (exotic(c) ? 'types that are not owed' : undefined);
      if (why) wrong.push(`case ${k}: ${why}`);
      // Serialised as a file has it, read as a file is.
      const text = JSON.stringify(c);
      if (JSON.stringify(caseSchema.parse(JSON.parse(text))) !== text && k % 10 === 0) {
        expect(caseSchema.parse(JSON.parse(text))).toEqual(c);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('cases are small on average, and hardly any is large', () => {
    const cases = Array.from({ length: 4000 }, (_, k) => drawn(7, 100 + k));
    const mean = cases.reduce((sum, { case: c }) => sum + outputElements(c), 0) / cases.length;
    expect(mean).toBeLessThan(meanElements);
    // Named ones are as large as they are, and few.
    const large = cases.filter(({ case: c, plan }) => plan !== undefined && outputElements(c) > 1 << 16);
    expect(large.length).toBeLessThan(5);
  });

  test('outputs whose strides nest name every element once', () => {
    for (let k = 0; k < 300; k++) {
      const c = drawn(9, k).case;
      for (const role of outputsOf(c)) {
        const places = elementsOf(c.tensors[role]);
        expect(new Set(places).size).toBe(places.length);
      }
    }
  });

  test.each([1, 2, 3, 4])(`seed %i reaches all edges of all dimensions within ${edgesWithin} cases`, seed => {
    const counts = new Map(
      suite.dimensions.flatMap(({ name, edges }) => edges.map(edge => [`${name}: ${edge}`, 0])),
    );
    for (let k = 0; k < edgesWithin; k++) {
      const c = drawn(seed, k).case;
      for (const { name, of } of suite.dimensions) {
        for (const edge of of(c)) {
          const key = `${name}: ${edge}`;
          expect(counts.has(key)).toBe(true);
          counts.set(key, counts.get(key)! + 1);
        }
      }
    }
    expect([...counts].filter(([, count]) => count === 0)).toEqual([]);
  });

  test('case k is a function of seed, op and k alone', () => {
    const ks = [0, 1, 31, 32, 37, 38, 500, 12345];
    const forwards = ks.map(k => JSON.stringify(drawn(6, k).case));
    const backwards = [...ks].reverse().map(k => JSON.stringify(drawn(6, k).case));
    expect(backwards.reverse()).toEqual(forwards);
    // Walking down from a case does not disturb others.
    for (const smaller of take(drawn(6, 0).smaller(), 20)) [...take(smaller.smaller(), 3)];
    expect(ks.map(k => JSON.stringify(drawn(6, k).case))).toEqual(forwards);
    expect(new Set(forwards).size).toBe(ks.length);
    const other: Op = suite.op === 'gqa' ? 'rope' : 'gqa';
    expect(JSON.stringify(drawCase({ ...suite, op: other }, 6, 500).case)).not.toBe(forwards[6]);
    const seeds = [0, 1, 2, 2 ** 31, 2 ** 32 - 1].map(seed => JSON.stringify(drawn(seed, 500).case));
    expect(new Set(seeds).size).toBe(seeds.length);
  });

  describe('shrinking', () => {
    const ks = Array.from({ length: 90 }, (_, i) => i * 7);

    test('stays within the contract', () => {
      for (const k of ks) {
        for (const { case: c } of take(drawn(2, k).smaller(), 25)) {
          expect(brokenBy(c) ?? misplaced(c)).toBeUndefined();
        }
      }
    });

    test('walks down to one element in the same type, from any case, valid at every step', () => {
      const breach = { property: 'equivalence', message: '', elements: [] };
      const named = suite.named.map((_, i) => 32 + i);
      for (const k of [...ks, ...named]) {
        const first = drawn(2, k);
        const dtype = cellDtype(first.case) as FloatDtype;
        const shrunk = shrink(first, { kernel: '', dtype, k, breach }, c => {
          if (outputElements(c) < 4000) expect(brokenBy(c) ?? misplaced(c)).toBeUndefined();
          expect(cellDtype(c)).toBe(dtype);
          return breach;
        });
        expect(outputElements(shrunk.case)).toBeLessThanOrEqual(1);
        expect({ k, wrong: named.includes(k) ? undefined : tooLarge(shrunk.case) }).toEqual({ k });
      }
    });
  });

  test.each([...commonRelations, ...suite.relations])('$name asks within the contract', ({ derive }) => {
    let asked = 0;
    for (const { k, base } of bases) {
      const before = JSON.stringify(base);
      const derived = derive(base, n => k % n);
      expect(JSON.stringify(base)).toBe(before);
      if (!derived) continue;
      asked++;
      const why = brokenBy(derived.case) ?? misplaced(derived.case);
      expect({ k, why }).toEqual({ k, why: undefined });
    }
    expect(asked).toBeGreaterThan(20);
  });

  describe('every refusal breaks the contract', () => {
    test.each(suite.refusals)('$what', ({ of, about }) => {
      let uses = 0;
      for (const { k, base } of bases) {
        const before = JSON.stringify(base);
        const broken = of(base);
        expect(JSON.stringify(base)).toBe(before);
        if (!broken) continue;
        uses++;
        expect({ k, broken: brokenBy(broken) !== undefined }).toEqual({ k, broken: true });
        expect(caseSchema.safeParse(JSON.parse(JSON.stringify(broken))).success).toBe(true);
      }
      expect(uses).toBeGreaterThan(about ? 5 : 20);
    });

    test('no two are called the same', () => {
      expect(new Set(suite.refusals.map(({ what }) => what)).size).toBe(suite.refusals.length);
    });
  });
}
