/** Laws on kernels that break them in one way each, and the calls that are made for them. */

import { describe, expect, test } from 'vitest';
import { rmsNormCase } from '../../reference/testing/rms_norm_cases.ts';
import { differs, type Law } from '../../suites/law.ts';
import type { Case } from '../case/case.ts';
import { law } from './law.ts';
import type { Answer } from './property.ts';
import { type Behaviour, fakeLab, kernel, ok, right } from './testing/fake-lab.ts';

const base = rmsNormCase({
  rows: 2,
  n: 12,
  x: { kind: 'normal', seed: 1 },
  weight: { kind: 'normal', seed: 2 },
});

/** y of x negated is y negated: the second call is made of the first. */
const odd: Law = {
  name: 'odd',
  says: 'what x negated gives is negated',
  concerns: () => true,
  calls: [
    ([{ case: c }]) => ({
      ...c,
      tensors: { ...c.tensors, x: { ...c.tensors.x, data: { ...c.tensors.x.data!, scale: -1 } } },
    }),
  ],
  broken: ([one, other]) => {
    const [y, z] = [one.outputs.y, other.outputs.y];
    for (let i = 0; i < y.values.length; i++) {
      const wrong = differs('y', i, -y.values[i], z.values[i], y.error[i] + z.error[i]);
      if (wrong) return wrong;
    }
    return undefined;
  },
};

const honest: Behaviour = c => ok(right(c));

function ask(of: Law, behaviours: Record<string, Behaviour>, c: Case = base) {
  const subjects = Object.keys(behaviours).map(name => kernel(name));
  const lab = fakeLab(behaviours);
  const property = law(of);
  const answers = subjects.map(
    (subject): Answer => property.ask({ kernel: subject, case: c, lab, peers: subjects, together: subjects }),
  );
  return { answers, asked: lab.asked };
}

describe('a law', () => {
  test('holds of right numbers', () => {
    expect(ask(odd, { a: honest }).answers).toEqual(['held']);
  });

  test('names the element, the numbers and how far they may be apart', () => {
    const never: Law = { ...odd, broken: ([{ outputs }]) => differs('y', 13, 2, outputs.y.values[13], 0.25) };
    expect(ask(never, { a: honest }).answers).toMatchObject([
      [
        {
          property: 'odd',
          message: expect.stringMatching(
            /^what x negated gives is negated: at y\[1, 1\] 2 is due and .* is seen/,
          ),
          elements: [{ role: 'y', index: 13, at: [1, 1], expected: '2', bound: 0.25 }],
        },
      ],
    ]);
  });

  test('is broken by a derived call that breaks its own bound, or the process', () => {
    const wrongThere: Behaviour = c => {
      const outputs = right(c);
      if (c !== base) outputs.y[3] ^= 1 << 24;
      return ok(outputs);
    };
    const dies: Behaviour = c => (c === base ? honest(c) : { is: 'died', how: 'crash', message: 'SIGSEGV' });
    expect(ask(odd, { a: wrongThere }).answers).toMatchObject([[{ property: 'odd' }]]);
    expect(ask(odd, { a: dies }).answers).toMatchObject([[{ property: 'odd', fatal: 'crash' }]]);
  });

  test('says nothing where it does not concern the case, a call is declined, or the case is judged by samples', () => {
    const declines: Behaviour = () => ({ is: 'unsupported', executed: null, trespasses: [] });
    expect(ask({ ...odd, concerns: () => false }, { a: honest }).answers).toEqual(['does not apply']);
    expect(ask(odd, { a: declines }).answers).toEqual(['does not apply']);
    expect(ask(odd, { a: c => (c === base ? honest(c) : declines(c)) }).answers).toEqual(['does not apply']);
    const weight = { kind: 'normal', seed: 2 } as const;
    const large = rmsNormCase({ rows: 40, n: 2000, x: { kind: 'normal', seed: 1 }, weight });
    expect(ask(odd, { a: honest }, large).answers).toEqual(['does not apply']);
  });

  test('makes calls that are alike once for all kernels', () => {
    const { answers, asked } = ask(odd, { a: honest, b: honest });
    expect(answers).toEqual(['held', 'held']);
    expect(new Set(asked.map(({ case: c }) => c)).size).toBe(2);
  });

  test('draws the same of the same case', () => {
    const drawn: number[] = [];
    const drawing: Law = {
      ...odd,
      calls: [
        ([run], draw) => {
          drawn.push(draw(1e9));
          return { ...run.case };
        },
      ],
      broken: () => undefined,
    };
    ask(drawing, { a: honest }, structuredClone(base));
    ask(drawing, { a: honest }, structuredClone(base));
    expect(drawn[0]).toBe(drawn[1]);
  });
});

test('numbers within what is allowed agree; NaN never does, unless nothing is asked', () => {
  expect(differs('y', 0, 1, 1.5, 0.5)).toBeUndefined();
  expect(differs('y', 0, 1, 1.5, 0.4)).toMatchObject({ excess: 0.5, bound: 0.4 });
  expect(differs('y', 0, 1, Number.NaN, 1e9)).toBeDefined();
  expect(differs('y', 0, 1, 1, Number.NaN)).toBeDefined();
  expect(differs('y', 0, 1, Number.NaN, Infinity)).toBeUndefined();
});
