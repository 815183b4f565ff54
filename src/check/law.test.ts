/** Laws on kernels that break them in one way each, and the calls that are made for them. */

import { describe, expect, test } from 'vitest';
import { expectedOf } from '../../reference/index.ts';
import { rmsNormCase } from '../../reference/testing/rms_norm_cases.ts';
import { differs, type Law, type Run } from '../../suites/law.ts';
import type { Case } from '../case/case.ts';
import { decodeAll, type FloatDtype, formats, ulpOf } from '../case/dtype.ts';
import { materialise } from '../case/materialise.ts';
import { recipeSchema } from '../case/recipe.ts';
import { law } from './law.ts';
import type { Answer, Breach } from './property.ts';
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

  test('says how far apart numbers may be, where there is a bound, and shows all digits of bits', () => {
    const disobeyed = (bound: number, seen: number, c: Case = base) => {
      const never: Law = { ...odd, broken: () => differs('y', 13, 2, seen, bound) };
      return ask(never, { a: honest }, c).answers[0] as readonly Breach[];
    };
    expect(disobeyed(0.25, 3)[0].message).toBe(
      'what x negated gives is negated: at y[1, 1] 2 is due and 3 is seen (allowed: 0.25 apart)',
    );
    const inBits: Law = {
      ...odd,
      broken: () => ({ role: 'y', index: 13, expected: '2', seen: '3', excess: null, bound: null }),
    };
    const [breach] = ask(inBits, { a: honest }).answers[0] as readonly Breach[];
    expect(breach.message).toBe('what x negated gives is negated: at y[1, 1] 2 is due and 3 is seen');
    const zeros = (dtype: FloatDtype) => rmsNormCase({ rows: 2, n: 12, dtype, x: { kind: 'zeros' } });
    expect(disobeyed(0, 3, zeros('f32'))[0].elements[0].seenBits).toBe('0x00000000');
    expect(disobeyed(0, 3, zeros('f16'))[0].elements[0].seenBits).toBe('0x0000');
  });

  test('is told the numbers of its calls, and of each answer how far it may be from the truth', () => {
    const runsOf = (c: Case, behaviour = honest): readonly Run[] => {
      let seen: readonly Run[] = [];
      const watching: Law = {
        ...odd,
        calls: [],
        broken: runs => {
          seen = runs;
          return undefined;
        },
      };
      expect(ask(watching, { a: behaviour }, c).answers).toEqual(['held']);
      return seen;
    };
    const { inputs } = materialise(base);
    const [{ inputs: told, outputs }] = runsOf(base);
    expect(told.x).toEqual({ bits: inputs.x, values: decodeAll(inputs.x, 'f32') });
    const [{ hard }] = expectedOf(base, inputs);
    const { values, error } = outputs.y;
    const due = Array.from(values, (value, i) => hard[i] + ulpOf(value, formats.f32) / 2);
    expect([...error]).toEqual(due);

    // A NaN row has no bound; nor has one where all is unspecified.
    const { patches } = recipeSchema.parse({
      kind: 'normal',
      patches: [{ start: 3, count: 1, value: 'nan' }],
    });
    const spoilt = rmsNormCase({ rows: 2, n: 12, x: { kind: 'normal', seed: 1, patches } });
    const errors = runsOf(spoilt)[0].outputs.y.error;
    expect([...errors.slice(0, 12)]).toEqual(Array(12).fill(Infinity));
    expect(Math.max(...errors.slice(12))).toBeLessThan(1e-5);
    // Nor has a value that may be 0 as well, or what a kernel wrote that is no number.
    const large = rmsNormCase({ rows: 1, n: 12, x: { kind: 'constant', scale: 2 ** 63 } });
    expect([...runsOf(large)[0].outputs.y.error]).toEqual(Array(12).fill(Infinity));
    const nanAt5: Behaviour = c => {
      const answer = right(c);
      answer.y[5] = formats.f32.nan;
      return ok(answer);
    };
    const [{ outputs: unlike }] = runsOf(base, nanAt5);
    expect([unlike.y.error[4] < 1e-5, unlike.y.error[5]]).toEqual([true, Infinity]);
    const zeros = rmsNormCase({ rows: 1, n: 12, eps: 0, x: { kind: 'zeros' } });
    expect([...runsOf(zeros)[0].outputs.y.error]).toEqual(Array(12).fill(Infinity));
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
