/** Real data is what it is said to be, and timed shapes are what they are called. */

import { describe, expect, test } from 'vitest';
import { expectedOf } from '../../reference/index.ts';
import { judge } from '../../reference/judge.ts';
import { countOf } from '../../src/case/case.ts';
import { encodeAll } from '../../src/case/dtype.ts';
import { fixtureValues } from '../../src/case/fixture.ts';
import { materialise } from '../../src/case/materialise.ts';
import { named, shapes } from './shapes.ts';

describe.each(['q', 'k'])('the fixture: first layer, %s', what => {
  const real = named.find(({ name }) => name === `SmolLM2-135M, first layer's ${what}, f32`)!.case;
  const turned = fixtureValues(`smollm2/blk.0.attn_${what}.rope`);
  const [expected] = expectedOf(real, materialise(real).inputs);
  const judged = (bits: Uint32Array) => judge(expected, bits, { generic: false });

  test('its size is that of the case: every element is a value of its own', () => {
    expect(fixtureValues(`smollm2/blk.0.attn_${what}`).length).toBe(countOf(real.tensors.x.shape));
    expect(turned.length).toBe(countOf(real.tensors.x.shape));
  });

  test('what the script made of it by RoPE is what the reference makes of it', () => {
    const { findings, worst } = judged(encodeAll(Float64Array.from(turned), 'f32') as Uint32Array);
    expect(findings).toEqual([]);
    expect(worst?.ratio).toBeLessThan(0.1);
  });

  test('with the other pairing it is not', () => {
    if (real.op !== 'rope') throw new Error('another op');
    const half = { ...real, params: { ...real.params, interleaved: false } };
    const [other] = expectedOf(half, materialise(half).inputs);
    const bits = encodeAll(Float64Array.from(turned), 'f32');
    expect(judge(other, bits, { generic: false }).failing).toBeGreaterThan(turned.length / 2);
  });
});

test('no two timed shapes have one size: the report tells them apart by it', () => {
  expect(new Set(shapes.map(({ size }) => size)).size).toBe(shapes.length);
  expect(shapes.filter(({ headline }) => headline).map(({ size }) => size)).toEqual(['1 x 512 x 32 x 128']);
});

test.each(shapes.filter(({ long }) => !long))('$name is a call of its size', ({ rows, n, make }) => {
  for (const dtype of ['f32', 'f16', 'bf16'] as const) {
    const { case: c, work } = make(dtype);
    expect(countOf(c.tensors.x.shape)).toBe(rows * n);
    const amount = 2 * rows * n * (dtype === 'f32' ? 4 : 2);
    expect(work).toEqual({ roof: 'memcpy', from: 'x', to: 'y', amount });
    expect(c.threads).toBe(1);
  }
});
