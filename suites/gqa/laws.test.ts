/**
 * Every law holds of right numbers, and sees what the reference would not: a kernel and a reference that are wrong
 * in the same way.
 */

import { describe, expect, test } from 'vitest';
import { gqaCase } from '../../reference/testing/gqa_cases.ts';
import type { Case } from '../../src/case/case.ts';
import type { Recipe } from '../../src/case/recipe.ts';
import type { Answer } from '../../src/check/property.ts';
import { askLaw, expectObeyed, type Twist } from '../testing/obeyed.ts';
import type { GqaCase } from './facts.ts';
import { gqa } from './index.ts';
import { laws } from './laws.ts';

/** What a law says where all understand a call so. */
function ask(name: string, base: Case, twist: Twist<GqaCase>): Answer {
  const of = laws.find(candidate => candidate.name === name)!;
  return askLaw(of, base as GqaCase, twist);
}

const plainly: Twist<GqaCase> = (c, inputs) => ({ c, inputs });
const params =
  (change: Partial<GqaCase['params']>): Twist<GqaCase> =>
  (c, inputs) => ({ c: { ...c, params: { ...c.params, ...change } }, inputs });
const lengths =
  (misread: (length: number) => number): Twist<GqaCase> =>
  (c, inputs) => ({ c, inputs: { ...inputs, kvLen: inputs.kvLen.map(misread) } });
/** An input in which block i of some length is taken for another one. */
const misplaced =
  (role: 'k' | 'v', length: number, other: (i: number, blocks: number) => number): Twist<GqaCase> =>
  (c, inputs) => {
    const bits = inputs[role];
    const blocks = bits.length / length;
    const from = (i: number) => other(Math.floor(i / length), blocks) * length + (i % length);
    return { c, inputs: { ...inputs, [role]: bits.map((_, i) => bits[from(i)]) } };
  };
/** A path for masks that leaves the softcap out. */
const capsWithoutMask: Twist<GqaCase> = (c, inputs) =>
  (c.tensors.mask ? params({ softcap: 0 }) : plainly)(c, inputs);

const wanted = {
  batch: 2,
  qLen: 3,
  qHeads: 4,
  kvHeads: 2,
  headDim: 6,
  keys: 12,
  kvLen: [9, 11],
} as const;
const base = gqaCase(wanted);
const causal = gqaCase({ ...wanted, causal: true });
const hidden = gqaCase({
  ...wanted,
  mask: { kind: 'zeros', patches: [{ start: 0, count: 12, step: 1, value: '-inf' }] },
});

describe('of a kernel and a reference that agree', () => {
  const keyLater = misplaced('v', 12, (i, blocks) => (i + 1) % blocks);
  const headsSwapped = misplaced('v', 6, i => i ^ 1);
  const misunderstandings: readonly [string, string, Case, Twist<GqaCase>][] = [
    ['equal keys', 'a key left out', base, lengths(length => length - 1)],
    ['equal keys', 'causal taken for granted', base, params({ causal: true })],
    ['dominant key', 'values a key later', base, keyLater],
    ['dominant key', 'kv heads the other way round', base, headsSwapped],
    ['own key', 'positions counted from another end', causal, lengths(length => length - 1)],
    [
      'own key',
      'the window one longer',
      causal,
      (c, inputs) => params({ window: c.params.window + 1 })(c, inputs),
    ],
    [
      'hull',
      'values a thousandfold',
      base,
      (c, inputs) => ({
        c,
        inputs: {
          ...inputs,
          v: new Uint32Array(new Float32Array(inputs.v.buffer).map(x => 1000 * x).buffer),
        },
      }),
    ],
    [
      'hull',
      'a hidden row that sees all',
      hidden,
      (c, { mask, ...inputs }) => ({
        c: {
          ...c,
          tensors: Object.fromEntries(Object.entries(c.tensors).filter(([role]) => role !== 'mask')),
        },
        inputs,
      }),
    ],
    ['shift', 'no softcap beside a mask', gqaCase({ ...wanted, softcap: 1 }), capsWithoutMask],
    ['key order', 'values a key later', base, keyLater],
  ];

  test.each(laws)('$name holds where they are right', ({ name }) => {
    expect(ask(name, base, plainly)).toBe('held');
  });

  test.each(laws)('$name holds where a query is as large as it can be', ({ name }) => {
    const patches: Recipe['patches'] = [{ start: 0, count: 1, step: 1, value: 'max' }];
    const q: Partial<Recipe> = { kind: 'normal', patches };
    expect(ask(name, gqaCase({ headDim: 1, keys: 2, q }), plainly)).toBe('held');
  });

  test.each(misunderstandings)('%s sees %s', (name, _, c, twist) => {
    const answer = ask(name, c, twist);
    expect(answer).toMatchObject([{ property: name, message: expect.stringMatching(/is due and/) }]);
  });
});

test('right kernels obey on whatever the suite draws, and each law is asked often', () => {
  expectObeyed(gqa, laws, 150, 12);
}, 120_000);
