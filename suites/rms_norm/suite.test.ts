/** The generator keeps the contract and reaches its edges; the refusals break it. */

import { describe, expect, test } from 'vitest';
import { type Case, caseSchema, cellDtype, countOf, outputElements, outputsOf } from '../../src/case/case.ts';
import type { FloatDtype } from '../../src/case/dtype.ts';
import { drawCase } from '../../src/check/generate.ts';
import { shrink } from '../../src/check/shrink.ts';
import { brokenBy, elementsOf, nests, overlap } from '../testing/contract.ts';
import { rmsNorm } from './index.ts';
import { refusals } from './refusals.ts';

const drawn = (seed: number, k: number) => drawCase(rmsNorm, seed, k);
const sizeOf = { f32: 4, i32: 4, f16: 2, bf16: 2 } as const;

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

/** Types that every kernel owes (contracts.md): the generator asks for nothing else. */
function exotic(c: Case): boolean {
  const { x, weight, ...others } = c.tensors;
  return (
    Object.values(others).some(tensor => tensor.dtype !== x.dtype) ||
    (weight !== undefined && weight.dtype !== x.dtype && weight.dtype !== 'f32')
  );
}

describe('the brute-force contract', () => {
  const base: Case = {
    version: 1,
    op: 'rms_norm',
    params: { eps: 0, weightOffset: 0, roundBeforeWeight: false },
    buffers: { b: { bytes: 4096, edge: 'end', sparse: false, poison: 'nan' } },
    tensors: {
      x: { buffer: 'b', offset: 0, shape: [2, 3], strides: [6, 1], dtype: 'f32' },
      y: { buffer: 'b', offset: 12, shape: [2, 3], strides: [6, 1], dtype: 'f32' },
    },
    threads: 1,
  };
  const y = (change: Partial<Case['tensors'][string]>): Case => ({
    ...base,
    tensors: { ...base.tensors, y: { ...base.tensors.y, ...change } },
  });

  test('knows interleaved slices, in place and overlap', () => {
    expect(brokenBy(base)).toBeUndefined();
    expect(brokenBy(y({ offset: 0 }))).toBeUndefined();
    expect(brokenBy(y({ offset: 8 }))).toBe('y overlaps x');
    expect(brokenBy(y({ offset: 0, strides: [5, 1] }))).toBe('y overlaps x');
    expect(brokenBy(y({ offset: 0, dtype: 'f16' }))).toBe('y overlaps x');
    expect(brokenBy(y({ offset: 14 }))).toBe('y overlaps x');
    const third = { ...base.tensors.x, offset: 0 };
    expect(brokenBy({ ...y({ offset: 0 }), tensors: { ...y({ offset: 0 }).tensors, residual: third } })).toBe(
      'y overlaps residual',
    );
  });

  test('knows which strides nest', () => {
    expect(
      [
        [6, 1],
        [3, 1],
        [1, 2],
        [100, 7],
      ].map(strides => nests({ shape: [2, 3], strides })),
    ).toEqual([true, true, true, true]);
    expect(
      [
        [2, 1],
        [0, 1],
        [1, 1],
        [4, 2],
      ].map(strides => nests({ shape: [2, 3], strides })),
    ).toEqual([false, false, false, false]);
    expect(nests({ shape: [1, 3], strides: [0, 1] })).toBe(true);
    expect(overlap(base.tensors.x, base.tensors.y)).toBe(false);
    expect(elementsOf(base.tensors.y)).toEqual([12, 16, 20, 36, 40, 44]);
  });
});

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

test('outputs whose strides nest name every element once', () => {
  for (let k = 0; k < 300; k++) {
    const c = drawn(9, k).case;
    for (const role of outputsOf(c)) {
      const places = elementsOf(c.tensors[role]);
      expect(new Set(places).size).toBe(places.length);
    }
  }
});

test.each([1, 2, 3, 4])(
  'seed %i reaches all edges of all dimensions within 1,000 cases, many of them often',
  seed => {
    const counts = new Map(
      rmsNorm.dimensions.flatMap(({ name, edges }) => edges.map(edge => [`${name}: ${edge}`, 0])),
    );
    for (let k = 0; k < 1000; k++) {
      const c = drawn(seed, k).case;
      for (const { name, of } of rmsNorm.dimensions) {
        for (const edge of of(c)) {
          const key = `${name}: ${edge}`;
          expect(counts.has(key)).toBe(true);
          counts.set(key, counts.get(key)! + 1);
        }
      }
    }
    expect([...counts].filter(([, count]) => count === 0)).toEqual([]);
  },
);

test('case k is a function of seed, op and k alone', () => {
  const ks = [0, 1, 31, 32, 37, 38, 500, 12345];
  const forwards = ks.map(k => JSON.stringify(drawn(6, k).case));
  const backwards = [...ks].reverse().map(k => JSON.stringify(drawn(6, k).case));
  expect(backwards.reverse()).toEqual(forwards);
  // Walking down from a case does not disturb others.
  for (const smaller of take(drawn(6, 0).smaller(), 20)) [...take(smaller.smaller(), 3)];
  expect(ks.map(k => JSON.stringify(drawn(6, k).case))).toEqual(forwards);
  expect(new Set(forwards).size).toBe(ks.length);
  const other = { ...rmsNorm, op: 'rope' as const };
  expect(JSON.stringify(drawCase(other, 6, 500).case)).not.toBe(forwards[6]);
  const seeds = [0, 1, 2, 2 ** 31, 2 ** 32 - 1].map(seed => JSON.stringify(drawn(seed, 500).case));
  expect(new Set(seeds).size).toBe(seeds.length);
});

function* take<T>(items: Iterable<T>, count: number): Iterable<T> {
  for (const item of items) {
    if (count-- <= 0) return;
    yield item;
  }
}

describe('shrinking', () => {
  const ks = [...Array.from({ length: 90 }, (_, i) => i * 7), 33, 36];

  test('stays within the contract', () => {
    for (const k of ks) {
      for (const { case: c } of take(drawn(2, k).smaller(), 25)) {
        expect(brokenBy(c) ?? misplaced(c)).toBeUndefined();
      }
    }
  });

  test('walks down to one element in the same type, from any case, valid at every step', () => {
    const breach = { property: 'equivalence', message: '', elements: [] };
    for (const k of ks) {
      const first = drawn(2, k);
      const dtype = cellDtype(first.case) as FloatDtype;
      const shrunk = shrink(first, { kernel: '', dtype, k, breach }, c => {
        expect(brokenBy(c) ?? misplaced(c)).toBeUndefined();
        expect(cellDtype(c)).toBe(dtype);
        return breach;
      });
      expect(outputElements(shrunk.case)).toBeLessThanOrEqual(1);
      expect(shrunk.case.threads).toBe(1);
      // Some deals are about the weight, and keep it.
      expect(
        Object.keys(shrunk.case.tensors)
          .filter(role => role !== 'weight')
          .sort(),
      ).toEqual(['x', 'y']);
    }
  });
});

describe('every refusal breaks the contract', () => {
  const uses = new Map(refusals.map(({ what }) => [what, 0]));

  test.each(refusals)('$what', ({ what, of }) => {
    for (let k = 0; k < 1500; k++) {
      const base = drawn(3, k).case;
      // Brute force on the largest is slow and tells nothing more.
      if (outputElements(base) > 4000) continue;
      const before = JSON.stringify(base);
      const broken = of(base);
      expect(JSON.stringify(base)).toBe(before);
      if (!broken) continue;
      uses.set(what, uses.get(what)! + 1);
      expect({ k, broken: brokenBy(broken) !== undefined }).toEqual({ k, broken: true });
      expect(caseSchema.safeParse(JSON.parse(JSON.stringify(broken))).success).toBe(true);
    }
    expect(uses.get(what)).toBeGreaterThan(20);
  });

  test('no two are called the same', () => {
    expect(uses.size).toBe(refusals.length);
  });
});
