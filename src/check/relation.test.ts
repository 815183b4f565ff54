/** Relations, tiers and refusals on kernels that break them in one way each. */

import { describe, expect, test } from 'vitest';
import { gqaCase } from '../../reference/testing/gqa_cases.ts';
import { rmsNormCase } from '../../reference/testing/rms_norm_cases.ts';
import { ropeCase } from '../../reference/testing/rope_cases.ts';
import { relations as gqaRelations } from '../../suites/gqa/relations.ts';
import { commonRelations } from '../../suites/relations.ts';
import { relations } from '../../suites/rms_norm/relations.ts';
import { relations as ropeRelations } from '../../suites/rope/relations.ts';
import type { Refusal, Relation } from '../../suites/suite.ts';
import { type Case, outputsOf } from '../case/case.ts';
import type { Kernel } from '../providers/provider.ts';
import type { Outcome } from './lab.ts';
import type { Answer } from './property.ts';
import { refuses } from './refusal.ts';
import { relation, tiersAgree } from './relation.ts';
import { type Behaviour, everyPromise, fakeLab, kernel, ok, right } from './testing/fake-lab.ts';

const base: Case = rmsNormCase({
  rows: 4,
  n: 24,
  x: { kind: 'normal', seed: 1 },
  weight: { kind: 'normal', seed: 2 },
  residual: { kind: 'normal', seed: 3 },
});
const turned: Case = ropeCase({
  batch: 2,
  heads: 3,
  headDim: 12,
  rotaryDim: 8,
  x: { kind: 'normal', seed: 1 },
  positions: [
    [3, 4, 700],
    [9, 0, 2],
  ],
});
const byTables: Case = ropeCase({
  headDim: 8,
  x: { kind: 'normal', seed: 1 },
  positions: [2, 0],
  tables: { rows: 3, cos: { kind: 'cosine', seed: 2 }, sin: { kind: 'sine', seed: 2 } },
});
const attended: Case = gqaCase({
  batch: 2,
  qLen: 4,
  qHeads: 4,
  kvHeads: 2,
  headDim: 6,
  keys: 12,
  kvLen: [9, 11],
  causal: true,
  window: 3,
  mask: { kind: 'normal', seed: 4, patches: [{ start: 6, count: 1, step: 1, value: '-inf' }] },
});
/** Every relation with a case that it speaks of. */
const all: readonly (readonly [string, Relation, Case])[] = [
  ...[...commonRelations, ...relations].map(of => [of.name, of, base] as const),
  ...[...commonRelations, ...ropeRelations].map(
    of => [`${of.name}, rope`, of, of.name === 'tables alone' ? byTables : turned] as const,
  ),
  ...[...commonRelations, ...gqaRelations].map(of => [`${of.name}, gqa`, of, attended] as const),
];
const honest: Behaviour = c => ok(right(c));
/** One bit of an element is another one; of GQA that of the last element too, for `past` asks of later rows alone. */
const flipped =
  (bit: number): Behaviour =>
  c => {
    const outputs = right(c);
    const [first] = outputsOf(c);
    const places = c.op === 'gqa' ? [5, outputs[first].length - 1] : [5];
    for (const place of places) outputs[first][place] ^= 1 << bit;
    return ok(outputs);
  };
const hair = flipped(0);
const wrong = flipped(24);

/** What a relation says of a kernel that does one thing on the base case and another on what is derived of it. */
function ask(
  of: Relation,
  base: Case,
  elsewhere: Behaviour,
  promises = everyPromise,
  onBase = honest,
): Answer {
  const subject = kernel('k', { promises });
  const lab = fakeLab({ k: c => (c === base ? onBase(c) : elsewhere(c)) });
  return relation(of).ask({ kernel: subject, case: base, lab, peers: [subject], together: [subject] });
}

describe.each(all)('%s', (_, of, base) => {
  const { name } = of;

  test('holds for a kernel that gives one answer however it is asked', () => {
    expect(ask(of, base, honest)).toBe('held');
  });

  test('is broken by a bit, where bits are owed', () => {
    const answer = ask(of, base, hair) as Exclude<Answer, string>;
    expect(answer).toMatchObject([{ property: name }]);
    expect(answer[0].elements.length).toBe(1);
  });

  test('without the promise a bit is no breach, what is beyond the bound is', () => {
    if (of.owed === 'everyone') expect(ask(of, base, hair, 0)).toMatchObject([{ property: name }]);
    else expect(ask(of, base, hair, 0)).toBe('held');
    const answer = ask(of, base, wrong, 0) as Exclude<Answer, string>;
    expect(new Set(answer.map(breach => breach.property))).toEqual(new Set([name]));
  });

  test('is broken by a crash in the other form, which ends the kernel', () => {
    const answer = ask(of, base, () => ({ is: 'died', how: 'crash', message: 'SIGSEGV' }));
    expect(answer).toMatchObject([{ property: name, fatal: 'crash' }]);
  });

  test('says nothing of a kernel that declines either form', () => {
    const declined: Behaviour = () => ({ is: 'unsupported', executed: null, trespasses: [] });
    expect(ask(of, base, declined)).toBe('does not apply');
    expect(ask(of, base, honest, everyPromise, declined)).toBe('does not apply');
  });

  test('derives the same of the same case', () => {
    const seen = [0, 1].map(() => {
      const lab = fakeLab({ k: honest });
      const subject = kernel('k', { promises: everyPromise });
      relation(of).ask({ kernel: subject, case: structuredClone(base), lab, peers: [], together: [] });
      return JSON.stringify(lab.asked.at(-1)?.case);
    });
    expect(seen[0]).toBe(seen[1]);
  });
});

describe('tiers', () => {
  const tiers = ['scalar', 'sse2', 'avx2', 'avx512'];
  const table = (promises: number): Kernel[] =>
    tiers.map((tier, index) => kernel(tier, { name: 'k', tier, index, promises }));
  const answers = (promises: number, other: string, behaviour: Behaviour) => {
    const peers = table(promises);
    const lab = fakeLab({ k: honest });
    lab.run = ((subject: Kernel, c: Case) =>
      subject.tier === other ? behaviour(c) : honest(c)) as typeof lab.run;
    return peers.map(subject => tiersAgree.ask({ kernel: subject, case: base, lab, peers, together: peers }));
  };
  const breach = expect.arrayContaining([expect.objectContaining({ property: 'tiers' })]);
  const none = 'does not apply';

  test('the first is the oracle of all, where all promise one answer', () => {
    expect(answers(8, 'none', honest)).toEqual([none, 'held', 'held', 'held']);
    expect(answers(8, 'avx512', hair)).toEqual([none, 'held', 'held', breach]);
    expect(answers(8, 'scalar', hair)).toEqual([none, breach, breach, breach]);
  });

  test('within the groups with and without FMA, where that is the promise', () => {
    expect(answers(16, 'none', honest)).toEqual([none, 'held', none, 'held']);
    expect(answers(16, 'avx2', hair)).toEqual([none, 'held', none, breach]);
  });

  test('none is compared that promises nothing, that declines, or that is another kernel', () => {
    expect(answers(0, 'avx512', hair)).toEqual([none, none, none, none]);
    expect(answers(8, 'avx512', () => ({ is: 'unsupported', executed: null, trespasses: [] }))[3]).toBe(none);
    const [a, b] = [kernel('k', { promises: 8 }), kernel('other', { promises: 8, tier: 'sse2' })];
    const lab = fakeLab({ k: honest, other: hair });
    expect(tiersAgree.ask({ kernel: b, case: base, lab, peers: [a, b], together: [] })).toBe(none);
  });
});

describe('refusal', () => {
  const taller: Refusal = {
    what: 'y has a row more',
    of: c => ({ ...c, tensors: { ...c.tensors, y: { ...c.tensors.y, shape: [5, 24] } } }),
  };
  const short: Refusal = { what: 'scratch is short', of: c => ({ ...c, lie: { scratchBytes: -1 } }) };
  const never: Refusal = { what: 'nothing', of: () => null };
  const of = (refusals: readonly Refusal[], behaviour: Behaviour, onBase = honest) => {
    const subject = kernel('k');
    const lab = fakeLab({ k: c => (c === base ? onBase(c) : behaviour(c)) });
    const answer = refuses(refusals).ask({ kernel: subject, case: base, lab, peers: [], together: [] });
    return { answer, asked: lab.asked };
  };
  const refused =
    (rest: Partial<Outcome> = {}): Behaviour =>
    () =>
      ({ is: 'invalid', executed: null, trespasses: [], ...rest }) as Outcome;

  test('holds where a broken call is refused and nothing written', () => {
    expect(of([taller], refused()).answer).toBe('held');
    expect(of([taller], refused({ is: 'unsupported' })).answer).toBe('held');
  });

  test.each<[string, Behaviour, RegExp]>([
    ['accepted', honest, /\(y has a row more\): the kernel accepts it/],
    [
      'refused with a write',
      refused({ trespasses: ['wrote'] } as Partial<Outcome>),
      /refused \(y has a row more\), but wrote/,
    ],
    ['answered by nonsense', () => ({ is: 'nonsense', message: 'run returned 9' }), /run returned 9/],
    ['met by a crash', () => ({ is: 'died', how: 'crash', message: 'SIGSEGV' }), /was not: SIGSEGV/],
  ])('is broken by a call that is %s', (_, behaviour, says) => {
    const accepting: Behaviour = c => (behaviour === honest ? ok({}) : behaviour(c));
    const { answer } = of([taller], accepting);
    expect(answer).toMatchObject([{ property: 'refusal', message: expect.stringMatching(says) }]);
  });

  test('does not apply where nothing can be broken, or the whole call is declined', () => {
    expect(of([never], refused()).answer).toBe('does not apply');
    expect(of([taller], honest, refused({ is: 'unsupported' })).answer).toBe('does not apply');
    // Without scratch there is none to be short of.
    expect(of([short], refused()).answer).toBe('does not apply');
    expect(of([short], refused(), c => ok(right(c), { scratchBytes: 64 })).answer).toBe('held');
  });

  test('a broken call has memory for all that it names: it must not fault by chance', () => {
    const broken = of([taller], refused()).asked.at(-1)!.case;
    expect(broken.buffers.y.bytes).toBe(5 * 24 * 4);
    expect(base.buffers.y.bytes).toBe(4 * 24 * 4);
    expect(outputsOf(broken)).toEqual(outputsOf(base));
  });
});
