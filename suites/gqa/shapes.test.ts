/** Real data is what it is said to be, and timed shapes are what they are called. */

import { describe, expect, test } from 'vitest';
import { countOf } from '../../src/case/case.ts';
import { decodeAll } from '../../src/case/dtype.ts';
import { fixtureValues } from '../../src/case/fixture.ts';
import { materialise } from '../../src/case/materialise.ts';
import { factsOf, type GqaCase } from './facts.ts';
import { named, shapes } from './shapes.ts';

const caseNamed = (name: string) => named.find(candidate => candidate.name === name)!.case as GqaCase;

describe("SmolLM2's first layer", () => {
  const prefill = caseNamed("SmolLM2-135M, first layer's prefill, f32");
  const decode = caseNamed("SmolLM2-135M, first layer's decode, f32");
  const held = (c: GqaCase, role: string) => [...decodeAll(materialise(c).inputs[role], 'f32')];
  const stored = (name: string) => [...fixtureValues(`smollm2/${name}`)];

  test('is attended to by all of its queries at once, in the order of the fixture', () => {
    expect(held(prefill, 'q')).toEqual(stored('blk.0.attn_q.rope'));
    expect(held(prefill, 'k')).toEqual(stored('blk.0.attn_k.rope'));
    expect(held(prefill, 'v')).toEqual(stored('blk.0.attn_v'));
  });

  test('and by its last query alone', () => {
    const q = stored('blk.0.attn_q.rope');
    expect(held(decode, 'q')).toEqual(q.slice(-countOf(decode.tensors.q.shape)));
    expect(held(decode, 'k')).toEqual(held(prefill, 'k'));
  });
});

test('named cases are as large as they are called', () => {
  const falcon = factsOf(caseNamed('Falcon-7B, decode of token 40, f32'));
  expect(falcon).toMatchObject({ qHeads: 71, kvHeads: 1, headDim: 64, lengths: [40], capacity: 50 });
  const phi = factsOf(caseNamed("Phi-3-mini, one head's decode beyond its window, f32"));
  expect(phi).toMatchObject({ qHeads: 1, group: 1, headDim: 96, lengths: [2100], window: 2047 });
});

test('no two timed shapes have one size: the report tells them apart by it', () => {
  expect(new Set(shapes.map(({ size }) => size)).size).toBe(shapes.length);
  expect(shapes.filter(({ headline }) => headline).map(({ size }) => size)).toEqual([
    '512 x 512, 32/8 x 128',
  ]);
});

test.each(shapes.filter(({ long }) => !long))('$name is a call of its size', ({ rows, n, make }) => {
  for (const dtype of ['f32', 'f16', 'bf16'] as const) {
    const c = make(dtype).case as GqaCase;
    expect(countOf(c.tensors.out.shape)).toBe(rows * n);
    expect(c.threads).toBe(1);
    // One cache, head-major and dense: what engines keep, and what ONNX Runtime takes uncopied.
    const [, keys, heads, width] = c.tensors.k.shape;
    expect(c.tensors.k.strides).toEqual([keys * heads * width, width, keys * width, 1]);
  }
});

test('work is counted as the papers do: four operations a pair of query and key and element, or bytes of the cache', () => {
  const workOf = (name: string) => shapes.find(shape => shape.name === name)!.make('f16').work;
  expect(workOf('Llama-3.1-8B prefill of 512')).toEqual({
    roof: 'multiply-add',
    amount: 4 * 32 * 128 * ((512 * 513) / 2),
  });
  expect(workOf('Llama-3.1-8B decode of 2048')).toEqual({
    roof: 'read',
    of: ['q', 'k', 'v'],
    amount: 2 * (2 * 2048 * 8 * 128 + 32 * 128),
  });
});
