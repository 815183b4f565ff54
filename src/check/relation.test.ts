/** Relations and tiers on kernels that break them in one way each. */

import { describe, expect, test } from 'vitest';
import { gqaCase } from '../../reference/testing/gqa_cases.ts';
import { rmsNormCase } from '../../reference/testing/rms_norm_cases.ts';
import { ropeCase } from '../../reference/testing/rope_cases.ts';
import { relations as gqaRelations } from '../../suites/gqa/relations.ts';
import { commonRelations } from '../../suites/relations.ts';
import { relations } from '../../suites/rms_norm/relations.ts';
import { relations as ropeRelations } from '../../suites/rope/relations.ts';
import type { Relation } from '../../suites/suite.ts';
import { type Case, outputsOf } from '../case/case.ts';
import { decode, type FloatDtype } from '../case/dtype.ts';
import type { Kernel } from '../providers/provider.ts';
import type { Answer } from './property.ts';
import { difference, relation, tiersAgree } from './relation.ts';
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

/** y with the last bit of one element another one. */
const hairAt =
  (place: number): Behaviour =>
  c => {
    const outputs = right(c);
    outputs.y[place] ^= 1;
    return ok(outputs);
  };

describe('of two answers', () => {
  const again: Relation = {
    name: 'again',
    says: 'the same again',
    owed: 'everyone',
    derive: c => ({ case: { ...c, threads: 2 } }),
  };
  const y = right(base).y;
  const text = (bits: number) => `${decode(bits, 'f32')} (0x${bits.toString(16).padStart(8, '0')})`;

  test.each([0, 5, 95])('the element %i that differs is told with its place and both bits', index => {
    const at = [Math.floor(index / 24), index % 24];
    const [due, seen] = [y[index], (y[index] ^ 1) >>> 0];
    expect(ask(again, base, hairAt(index))).toEqual([
      {
        property: 'again',
        message: `the same again, with 2 threads: y[${at.join(', ')}] is ${text(due)} and ${text(seen)}`,
        elements: [
          {
            role: 'y',
            index,
            at,
            expected: String(decode(due, 'f32')),
            seen: String(decode(seen, 'f32')),
            seenBits: `0x${seen.toString(16).padStart(8, '0')}`,
            excess: null,
            bound: null,
          },
        ],
      },
    ]);
  });

  test('bits have all their digits', () => {
    const told = (dtype: FloatDtype) => difference('again', 'the same', 'y', [1, 4], dtype, 2, 1, 0x1f);
    expect(told('f16').message).toMatch(/^the same: y\[0, 2\] is .* \(0x0001\) and .* \(0x001f\)$/);
    expect(told('bf16').elements[0].seenBits).toBe('0x001f');
    expect(told('f32').elements[0].seenBits).toBe('0x0000001f');
  });

  test('by blocks, the place is that in the base case', () => {
    const swapped: Relation = {
      ...again,
      derive: c => ({ case: { ...c, threads: 2 }, rows: [0, null, 2, 3], roles: ['y'] }),
    };
    expect(ask(swapped, base, hairAt(24 + 7))).toBe('held');
    expect(ask(swapped, base, hairAt(2 * 24 + 7))).toMatchObject([{ elements: [{ index: 55, at: [2, 7] }] }]);
  });

  test('bits are owed by who makes all of the promises', () => {
    const owed: Relation = { ...again, owed: ['threads', 'batch'] };
    const asked = [0, 1, 2, 3].map(promises => ask(owed, base, hairAt(5), promises));
    expect(asked).toMatchObject(['held', 'held', 'held', [{ property: 'again' }]]);
  });

  test('where the other form is of another size, bits are owed by class F32 alone', () => {
    const resized: Relation = { ...again, resizes: true };
    const asked = [0, 1, 2, 3].map(numerics => {
      const subject = kernel('k', { promises: everyPromise, numerics });
      const lab = fakeLab({ k: c => (c === base ? honest(c) : hairAt(5)(c)) });
      return relation(resized).ask({ kernel: subject, case: base, lab, peers: [], together: [] });
    });
    expect(asked).toMatchObject([[{ property: 'again' }], 'held', 'held', 'held']);
    const sizes = [...relations, ...gqaRelations].filter(({ resizes }) => resizes);
    expect(sizes.map(({ name }) => name)).toEqual(['scaling', 'doubled values']);
  });

  test.each([
    [2 ** -125, 2],
    [2 ** -125, 0.5],
    [2 ** 127, 0.5],
    [1, 4],
  ])('weights of %d, times %d: nothing is asked of what is subnormal or overflows', (scale, times) => {
    const weighted = (weight: number): Case =>
      rmsNormCase({
        rows: 4,
        n: 64,
        x: { kind: 'normal', seed: 1 },
        weight: { kind: 'constant', scale: weight },
      });
    const scaled: Relation = {
      ...again,
      derive: () => ({ case: weighted(scale * times), roles: ['y'], times }),
    };
    const c = weighted(scale);
    expect(ask(scaled, c, honest)).toBe('held');
    const sizes = Array.from(right(c).y, bits => Math.abs(decode(bits, 'f32')));
    expect(Math.min(...sizes) < 2 ** -126 || Math.max(...sizes) > 2 ** 127 || scale === 1).toBe(true);
    const normal = sizes.findIndex(size => size >= 2 ** -125 && size < 2 ** 126);
    expect(ask(scaled, c, hairAt(normal))).toMatchObject([{ elements: [{ index: normal }] }]);
    // Subnormal before or after.
    const subnormal = sizes.findIndex(size => Math.min(size, size * times) < 2 ** -126);
    if (subnormal >= 0) expect(ask(scaled, c, hairAt(subnormal))).toBe('held');
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
    expect(answers(8, 'scalar', () => ({ is: 'unsupported', executed: null, trespasses: [] }))[1]).toBe(none);
    const [a, b] = [kernel('k', { promises: 8 }), kernel('other', { promises: 8, tier: 'sse2' })];
    const lab = fakeLab({ k: honest, other: hair });
    expect(tiersAgree.ask({ kernel: b, case: base, lab, peers: [a, b], together: [] })).toBe(none);
  });

  test('the first element counts as any', () => {
    expect(answers(8, 'sse2', hairAt(0))).toEqual([none, breach, 'held', 'held']);
    const [, [{ message, elements }]] = answers(8, 'sse2', hairAt(0)) as [unknown, Exclude<Answer, string>];
    expect(message).toMatch(/^the same bits in scalar and sse2: y\[0, 0\] is /);
    expect(elements).toMatchObject([{ role: 'y', index: 0, at: [0, 0] }]);
  });

  test('an oracle is of the same provider, op and name, and both promise', () => {
    const subject = kernel('k', { tier: 'sse2', promises: 8 });
    const with_ = (rest: Partial<Kernel>) => {
      const oracle = kernel('k', { promises: 8, ...rest });
      const lab = fakeLab({ k: honest });
      lab.run = ((asked: Kernel, c: Case) => (asked === oracle ? hair(c) : honest(c))) as typeof lab.run;
      return tiersAgree.ask({ kernel: subject, case: base, lab, peers: [oracle, subject], together: [] });
    };
    expect(with_({})).toEqual(breach);
    expect(with_({ provider: 'other' })).toBe(none);
    expect(with_({ op: 'rope' })).toBe(none);
    expect(with_({ promises: 0 })).toBe(none);
  });

  test('tiers that nobody knows are in no group', () => {
    const [a, b] = ['neon', 'sve'].map(tier => kernel('k', { tier, promises: 16 }));
    const lab = fakeLab({ k: honest });
    expect(tiersAgree.ask({ kernel: b, case: base, lab, peers: [a, b], together: [] })).toBe(none);
  });

  test('of outputs without elements nothing is compared', () => {
    const empty: Case = rmsNormCase({ rows: 0, n: 8, x: { kind: 'normal' } });
    const peers = table(8);
    const lab = fakeLab({ k: () => ok({ y: new Uint32Array(0) }) });
    expect(tiersAgree.ask({ kernel: peers[1], case: empty, lab, peers, together: [] })).toBe('held');
  });
});
