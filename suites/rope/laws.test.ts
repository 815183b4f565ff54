/**
 * Every law holds of right numbers, and sees what the reference would not: a kernel and a reference that are wrong
 * in the same way.
 */

import { describe, expect, test } from 'vitest';
import { expectedOf } from '../../reference/index.ts';
import { ropeCase } from '../../reference/testing/rope_cases.ts';
import type { Case, CaseOf } from '../../src/case/case.ts';
import { type Bits, decodeAll, encodeAll, isNaNBits } from '../../src/case/dtype.ts';
import { materialise } from '../../src/case/materialise.ts';
import { drawCase } from '../../src/check/generate.ts';
import { law } from '../../src/check/law.ts';
import type { Answer } from '../../src/check/property.ts';
import { fakeLab, kernel, ok, right } from '../../src/check/testing/fake-lab.ts';
import { brokenBy } from '../testing/contract.ts';
import { rope } from './index.ts';
import { laws } from './laws.ts';

type Inputs = Readonly<Record<string, Bits>>;
/** A misunderstanding of a call. */
type Twist = (c: CaseOf<'rope'>, inputs: Inputs) => { c: CaseOf<'rope'>; inputs: Inputs };

const subject = kernel('k', { op: 'rope' });

/** What a law says of a kernel, and of a reference, that both understand a call so. */
function ask(name: string, base: Case, twist: Twist, promise = right): Answer {
  const twisted = (c: Case) => twist(c as CaseOf<'rope'>, materialise(c).inputs);
  const lab = fakeLab({
    k: c => {
      const { c: call, inputs } = twisted(c);
      return ok(promise(call, inputs));
    },
  });
  lab.expected = c => {
    const { c: call, inputs } = twisted(c);
    return expectedOf(call, inputs);
  };
  const of = laws.find(candidate => candidate.name === name)!;
  return law(of).ask({ kernel: subject, case: base, lab, peers: [subject], together: [subject] });
}

const plainly: Twist = (c, inputs) => ({ c, inputs });

/** Positions misread. */
function positions(misread: (position: number) => number): Twist {
  return (c, inputs) => ({ c, inputs: { ...inputs, positions: inputs.positions.map(misread) } });
}

/** x a little too long. */
const longer: Twist = (c, inputs) => {
  const x = decodeAll(inputs.x, 'f32').map(value => value * 1.001);
  return { c, inputs: { ...inputs, x: encodeAll(x, 'f32') } };
};

const neverInterleaved: Twist = (c, inputs) => ({
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
  const misunderstandings: readonly [string, string, Twist][] = [
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

test('right kernels obey on whatever the suite draws, and each law is asked often', () => {
  const held = new Map(laws.map(({ name }) => [name, 0]));
  for (let k = 100; k < 500; k++) {
    const c = drawCase(rope, 3, k).case;
    for (const { name } of laws) {
      const asked: Case[] = [];
      const answer = ask(name, c, (call, inputs) => {
        asked.push(call);
        return { c: call, inputs };
      });
      if (answer === 'does not apply') continue;
      expect(asked.map(brokenBy).filter(Boolean)).toEqual([]);
      expect({ k, name, answer }).toEqual({ k, name, answer: 'held' });
      held.set(name, held.get(name)! + 1);
    }
  }
  expect([...held.values()].every(count => count > 60)).toBe(true);
});
