import { expect, test } from 'vitest';
import { encodeAll } from '../../src/case/dtype.ts';
import { gqaCase } from '../testing/gqa_cases.ts';
import { Call } from './call.ts';
import { KvHead, sizesOf } from './kv-head.ts';

test('a row has a norm and a sum of sizes', () => {
  expect(sizesOf(Float64Array.of(3, -4))).toEqual({ norm: 5, size: 7 });
  expect(sizesOf(Float64Array.of())).toEqual({ norm: 0, size: 0 });
});

test('keys that begin behind the first stand from the start, each with its own sizes', () => {
  const c = gqaCase({ keys: 5, kvHeads: 2, qHeads: 2, headDim: 2 });
  const f32 = (f: (i: number) => number) =>
    encodeAll(
      Float64Array.from({ length: 20 }, (_, i) => f(i)),
      'f32',
    );
  const call = new Call(c, { q: f32(() => 1), k: f32(i => i), v: f32(i => -i) });
  const place = { batch: 0, query: 0, head: 1, kvHead: 1 };
  const { first, k, v, norm, size } = new KvHead(call, place, { first: 3, end: 5 });
  expect([first, ...k]).toEqual([3, 14, 15, 18, 19]);
  expect([...v]).toEqual([-14, -15, -18, -19]);
  expect([...size]).toEqual([29, 37]);
  expect([...norm]).toEqual([Math.hypot(14, 15), Math.hypot(18, 19)]);
});
