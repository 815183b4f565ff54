/**
 * Every law holds of right numbers, and sees what the reference would not: a kernel and a reference that are wrong
 * in the same way.
 */

import { describe, expect, test } from 'vitest';
import { ropeCase } from '../../reference/testing/rope_cases.ts';
import { flushingKernels, run } from '../../reference/testing/rope_kernels.ts';
import type { Case, CaseOf } from '../../src/case/case.ts';
import { decodeAll, encodeAll, isNaNBits } from '../../src/case/dtype.ts';
import { inputBits } from '../../src/case/materialise.ts';
import { law } from '../../src/check/law.ts';
import type { Answer } from '../../src/check/property.ts';
import { fakeLab, kernel, ok, right } from '../../src/check/testing/fake-lab.ts';
import { askLaw, expectObeyed, type Inputs, type Twist } from '../testing/obeyed.ts';
import { rope } from './index.ts';
import { laws } from './laws.ts';

/** What a law says where all understand a call so. */
function ask(name: string, base: Case, twist: Twist<CaseOf<'rope'>>, run = right): Answer {
  const of = laws.find(candidate => candidate.name === name)!;
  return askLaw(of, base as CaseOf<'rope'>, twist, run);
}

const plainly: Twist<CaseOf<'rope'>> = (c, inputs) => ({ c, inputs });

/** Positions misread. */
function positions(misread: (position: number) => number): Twist<CaseOf<'rope'>> {
  return (c, inputs) => ({ c, inputs: { ...inputs, positions: inputs.positions.map(misread) } });
}

/** x a little too long. */
const longer: Twist<CaseOf<'rope'>> = (c, inputs) => {
  const x = decodeAll(inputs.x, 'f32').map(value => value * 1.001);
  return { c, inputs: { ...inputs, x: encodeAll(x, 'f32') } };
};

const neverInterleaved: Twist<CaseOf<'rope'>> = (c, inputs) => ({
  c: { ...c, params: { ...c.params, interleaved: false } },
  inputs,
});

const base = ropeCase({
  batch: 2,
  heads: 3,
  headDim: 12,
  rotaryDim: 8,
  x: { kind: 'normal', seed: 1, patches: [{ start: 11, count: 1, step: 1, value: 'nan-payload' }] },
  positions: [
    [3, 4, 700],
    [9, 0, 2],
  ],
});

describe('of a kernel and a reference that agree', () => {
  const misunderstandings: readonly [string, string, Twist<CaseOf<'rope'>>][] = [
    ['pair norms', 'the output a thousandth too long', longer],
    ['composition', 'positions counted from 1', positions(p => p + 1)],
    ['differences', 'positions in 8 bits', positions(p => p & ~1)],
    ['position 0', 'positions counted from 1', positions(p => p + 1)],
    ['position 0', 'the output a thousandth too long', longer],
    ['pairings', 'the flag of the pairing ignored', neverInterleaved],
  ];

  test.each(laws)('$name holds where they are right', ({ name }) => {
    expect(ask(name, base, plainly)).toBe('held');
  });

  test.each(misunderstandings)('%s sees %s', (name, _, twist) => {
    const answer = ask(name, base, twist);
    expect(answer).toMatchObject([{ property: name, message: expect.stringMatching(/is due and/) }]);
  });

  test('tail sees the payload of a NaN that is lost, which equivalence takes for the same', () => {
    const quieted = (c: Case, inputs?: Inputs) => ({
      y: right(c, inputs).y.map(bits => (isNaNBits(bits, 'f32') ? 0x7fc00000 : bits)),
    });
    expect(ask('tail', base, plainly, quieted)).toMatchObject([
      { property: 'tail', elements: [{ index: 11, expected: '0x7fc12345', seen: '0x7fc00000' }] },
    ]);
  });
});

test('position 0 leaves subnormals as they are, to class F32; to others they may be zeros', () => {
  const c = ropeCase({ headDim: 8, x: { kind: 'normal', seed: 1, scale: 2 ** -127 }, positions: [5] });
  const flushing = flushingKernels['takes and leaves zeros'];
  const answers = [0, 1, 2, 3].map(numerics => {
    const lab = fakeLab({
      k: call => ok({ y: run(flushing, call as CaseOf<'rope'>, inputBits(call)) }),
    });
    const subject = kernel('k', { op: 'rope', numerics });
    const of = laws.find(({ name }) => name === 'position 0')!;
    return law(of).ask({ kernel: subject, case: c, lab, peers: [], together: [] });
  });
  expect(answers).toMatchObject([[{ property: 'position 0' }], 'held', 'held', 'held']);
});

test('right kernels obey on whatever the suite draws, and each law is asked often', () => {
  expectObeyed(rope, laws, 400, 60);
});
