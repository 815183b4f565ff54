/**
 * The bounds are two-sided: over millions of elements of kernels that are right in every way that f32 allows, none
 * fails; of kernels one precision lower, each does.
 */

import { describe, expect, test } from 'vitest';
import { floatDtypes, round } from '../src/case/dtype.ts';
import { inputBits } from '../src/case/materialise.ts';
import type { Numerics } from '../src/case/numerics.ts';
import { isGeneric } from './generic.ts';
import { expectedOf } from './index.ts';
import { type Judgement, judge } from './judge.ts';
import { gqaCase, type Wanted } from './testing/gqa_cases.ts';
import { combination, kinds } from './testing/gqa_data.ts';
import { broken, correct, type Kernel, plain, rounding, run } from './testing/gqa_kernels.ts';

/** Judges every kernel's output on one case. */
function judged(
  kernels: Readonly<Record<string, Kernel>>,
  wanted: Wanted,
  numerics: Numerics = 'f32',
): [string, Judgement][] {
  const c = gqaCase(wanted);
  const inputs = inputBits(c);
  const [out] = expectedOf(c, inputs, undefined, numerics);
  const options = { generic: isGeneric(c) };
  return Object.entries(kernels).map(([name, kernel]) => [name, judge(out, run(kernel, c, inputs), options)]);
}

function fails(kernel: Kernel, wanted: Wanted, numerics?: Numerics): boolean {
  const [[, { findings }]] = judged({ kernel }, wanted, numerics);
  return findings.length > 0;
}

describe('kernels that are right', () => {
  const seen = { elements: 0, informative: 0, ratio: 0, precision: 0, bias: 0 };
  const hold = (judgements: [string, Judgement][]) => {
    for (const [name, { findings, ...judgement }] of judgements) {
      expect({ name, findings }).toEqual({ name, findings: [] });
      seen.elements += judgement.elements;
      seen.informative += judgement.informative;
      seen.ratio = Math.max(seen.ratio, judgement.worst?.ratio ?? 0);
      seen.precision = Math.max(seen.precision, judgement.precision ?? 0);
      seen.bias = Math.max(seen.bias, judgement.bias ?? 0);
    }
  };

  test.each(floatDtypes.flatMap(dtype => Object.keys(kinds).map(kind => [dtype, kind] as const)))(
    'in %s, on %s',
    (dtype, kind) => {
      for (let k = floatDtypes.indexOf(dtype); k < 20; k += 3)
        hold(judged(correct, combination(kind, dtype, k)));
    },
  );

  test.each([
    ['normal scores', {}],
    ['scores of 10', { scale: 3 }],
    ['scores a hair apart, whose weights are all rounded one way', { scale: 1e-5 }],
    ['a saturated softcap: two weights', { scale: 1e3, softcap: 3 }],
    ['a mask that takes the scores their last bits', { mask: { kind: 'constant', scale: 1000 } as const }],
    ['constants', { k: { kind: 'constant' } as const, v: { kind: 'constant', scale: 1.1 } as const }],
  ])('on long rows, on %s', (_, wanted) => {
    hold(judged(correct, { keys: 5000, headDim: 16, ...wanted }));
  });

  test('with heads of 256 in 16 bits, whose sums meet ties', () => {
    for (const kvDtype of ['bf16', 'f16'] as const) {
      const uniform = { kind: 'uniform', scale: 2 } as const;
      hold(
        judged(correct, { keys: 40, qLen: 3, headDim: 256, kvDtype, q: uniform, k: { ...uniform, seed: 1 } }),
      );
    }
  });

  // What was seen in a larger sweep, and of the broken ones: docs/bounds.md.
  test('were more than a million elements, most of them telling', () => {
    expect(seen.elements).toBeGreaterThan(1_000_000);
    expect(seen.informative).toBeGreaterThan(0.9 * seen.elements);
    expect(seen.ratio).toBeGreaterThan(0.1); // bounds far above everything seen would prove nothing
    expect(seen.ratio).toBeLessThan(0.7);
    expect(seen.precision).toBeLessThan(2.5);
    expect(seen.bias).toBeLessThan(0.8);
  });
});

/** Generic calls on which each broken kernel shows, in any type. */
const short: Wanted = { keys: 16, qLen: 8, qHeads: 4, kvHeads: 2, headDim: 64 };
const long: Wanted = { keys: 1000, qLen: 4, qHeads: 6, kvHeads: 2, headDim: 64 };
const windowed: Wanted = { ...short, keys: 300, causal: true, window: 20, softcap: 30 };

describe('kernels one precision lower', () => {
  describe.each(Object.entries(broken))('%s', (_, kernel) => {
    test.each(floatDtypes)('is failed in %s: on short rows, long ones, and in windows', dtype => {
      for (const wanted of [short, long, windowed]) {
        expect(fails(plain, { ...wanted, dtype })).toBe(false);
        expect(fails(kernel, { ...wanted, dtype })).toBe(true);
      }
    });
  });
});

describe('weaker classes', () => {
  const bf16 = rounding(x => round(x, 'bf16'));
  const f16 = rounding(x => round(x, 'f16'));
  const classes = {
    'bf16 dot': bf16,
    'f16 dot': f16,
    'f16 accumulate': {
      ...f16,
      mac: broken['f16 accumulator in P V'].mac,
      dotMac: broken['f16 accumulator in the dot product'].dotMac,
    },
  } as const satisfies Partial<Record<Numerics, Kernel>>;

  test.each(Object.entries(classes) as [Numerics, Kernel][])(
    '%s: right in its own, not in F32',
    (name, kernel) => {
      for (const dtype of floatDtypes) {
        for (const wanted of [short, long, windowed]) {
          expect(fails(kernel, { ...wanted, dtype }, name)).toBe(false);
          expect(fails(kernel, { ...wanted, dtype })).toBe(true);
        }
        for (const kind of [
          'normal',
          'uniform',
          'spread of scores',
          'constants',
          'ascending',
          'ties',
          'huge scores',
        ]) {
          for (let k = 0; k < 10; k += 2)
            expect(fails(kernel, combination(kind, dtype, k), name)).toBe(false);
        }
      }
    },
  );

  test('accumulators that are narrower than the class says are failed', () => {
    const { mac } = broken['bf16 accumulator in P V'];
    const { dotMac } = broken['bf16 accumulator in the dot product'];
    for (const held of [{ mac }, { dotMac }]) {
      expect(fails({ ...bf16, ...held }, long, 'bf16 dot')).toBe(true);
      expect(fails({ ...f16, ...held }, long, 'f16 dot')).toBe(true);
    }
  });
});
