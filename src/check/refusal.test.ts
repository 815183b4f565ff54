/** Broken calls can be made: what is broken about them is not their memory. And what kernels answer to them counts. */

import { describe, expect, test } from 'vitest';
import { rmsNormCase } from '../../reference/testing/rms_norm_cases.ts';
import { ropeCase } from '../../reference/testing/rope_cases.ts';
import { suites } from '../../suites/index.ts';
import { rope } from '../../suites/rope/index.ts';
import type { Refusal } from '../../suites/suite.ts';
import { type Case, outputElements } from '../case/case.ts';
import { mostBytes, regionOf, residentBytes } from '../case/layout.ts';
import { drawCase } from './generate.ts';
import type { Outcome, Staging } from './lab.ts';
import { brokenCall, refuses } from './refusal.ts';
import { type Behaviour, fakeLab, kernel, ok, right } from './testing/fake-lab.ts';

test('a stride that meant nothing, of one row, may be beyond 32 bits where there are two', () => {
  const tables = { rows: 1, cos: { kind: 'cosine', seed: 1 }, sin: { kind: 'sine', seed: 1 } } as const;
  const one = ropeCase({ headDim: 8, positions: [0], x: { kind: 'normal', seed: 1 }, tables });
  const { sin } = one.tensors;
  const far: Case = { ...one, tensors: { ...one.tensors, sin: { ...sin, strides: [2 ** 31 + 5, 1] } } };
  const refusal = rope.refusals.find(({ what }) => what === 'sin has a row more than cos')!;
  const call = brokenCall(refusal, far)!;
  expect(call.tensors.sin.shape).toEqual([2, 4]);
  const name = call.tensors.sin.buffer!;
  expect(call.buffers[name]).toMatchObject({ sparse: true });
  expect(call.buffers[name].bytes).toBeGreaterThan(2 ** 33);
  expect(residentBytes(regionOf(name, call.buffers[name], call))).toBeLessThan(mostBytes);
});

describe('what a kernel answers to a broken call', () => {
  const base = rmsNormCase({ rows: 2, n: 8, x: { kind: 'normal', seed: 1 } });
  const declined = { executed: null, trespasses: [] };
  const refusing: Outcome = { is: 'invalid', ...declined };

  /** So many ways to break a call, which lie in nothing but their names, or as said. */
  const ways = (count: number, lie: Case['lie'] = undefined): Refusal[] =>
    Array.from({ length: count }, (_, i) => ({
      what: `way ${i}`,
      of: c => ({ ...c, threads: 2 + i, ...(lie && { lie }) }),
    }));

  function ask(
    refusals: readonly Refusal[],
    answer: Outcome,
    { before = ok(right(base)), language }: { before?: Outcome; language?: 'js' } = {},
  ) {
    const behaviour: Behaviour = c => (c === base ? before : answer);
    const lab = fakeLab({ k: behaviour });
    const subject = kernel('k', language && { language });
    const all = { kernel: subject, case: base, lab, peers: [], together: [subject] };
    const said = refuses(refusals).ask(all);
    return { said, broken: lab.asked.slice(1).map(({ case: c }) => c.threads) };
  }

  test.each<[string, Outcome]>([
    ['invalid', refusing],
    ['unsupported', { is: 'unsupported', ...declined }],
  ])('%s is as it should be, for three ways a case, each once', (_, answer) => {
    const { said, broken } = ask(ways(7), answer);
    expect(said).toBe('held');
    expect(broken).toHaveLength(3);
    expect(new Set(broken).size).toBe(3);
    expect(ask(ways(2), answer).broken.sort()).toEqual([2, 3]);
  });

  test('a way in which few calls can be broken is tried wherever it is one, beside the three', () => {
    const rare = ways(12).map((way, i): Refusal => (i < 2 ? { ...way, about: 'work' } : way));
    const { said, broken } = ask(rare, refusing);
    expect(said).toBe('held');
    expect(broken).toHaveLength(5);
    expect(broken.filter(threads => threads < 4).sort()).toEqual([2, 3]);
  });

  test.each<[string, Outcome, object]>([
    ['ok', ok(right(base)), { message: 'a call must be refused (way 0): the kernel accepts it' }],
    [
      'a crash',
      { is: 'died', how: 'crash', message: 'SIGSEGV' },
      { message: 'a call that must be refused (way 0) was not: SIGSEGV', fatal: 'crash' },
    ],
    [
      'nonsense',
      { is: 'nonsense', message: 'run returned 77' },
      { message: 'a call must be refused (way 0): run returned 77' },
    ],
    [
      'a refusal after a write',
      { is: 'invalid', executed: null, trespasses: ['wrote a', 'wrote b'] },
      { message: 'refused (way 0), but wrote a; wrote b' },
    ],
    [
      'declining after a write',
      { is: 'unsupported', executed: null, trespasses: ['wrote a'] },
      { message: 'refused (way 0), but wrote a' },
    ],
  ])('%s is not', (_, answer, breach) => {
    expect(ask(ways(1), answer).said).toEqual([{ property: 'refusal', elements: [], ...breach }]);
  });

  test('nothing is asked of a kernel that does not do the valid call, or where no way applies', () => {
    const declines = ask(ways(3), ok(right(base)), { before: { is: 'unsupported', ...declined } });
    expect(declines).toEqual({ said: 'does not apply', broken: [] });
    const none: Refusal = { what: 'never', of: () => null };
    expect(ask([none], ok(right(base)))).toEqual({ said: 'does not apply', broken: [] });
    expect(ask([none, ...ways(1)], refusing)).toEqual({ said: 'held', broken: [2] });
  });

  test('what lies in memory is refused where the valid call has just been, too', () => {
    const [way] = ways(1);
    const lab = fakeLab({ k: c => (c === base ? ok(right(base)) : refusing) });
    const asked = (remembers: boolean, refusal: Refusal) => {
      const staged: Staging[] = [];
      const trusting = Object.assign(lab, {
        staged: (_kernel: unknown, _call: unknown, staging: Staging) => {
          staged.push(staging);
          return remembers ? ok(right(base)) : refusing;
        },
      });
      const subject = kernel('k');
      const all = { kernel: subject, case: base, lab: trusting, peers: [], together: [subject] };
      return { said: refuses([refusal]).ask(all), staged };
    };
    const place = { manner: {}, inItsPlace: base };
    expect(asked(false, { ...way, inMemory: true })).toEqual({ said: 'held', staged: [place] });
    const message =
      'a call must be refused (way 0, in memory where the valid call has just been): the kernel accepts it';
    expect(asked(true, { ...way, inMemory: true }).said).toEqual([
      { property: 'refusal', message, elements: [] },
    ]);
    expect(asked(true, way)).toEqual({ said: 'held', staged: [] });
  });

  test('a lie about the struct reaches kernels with the C interface alone', () => {
    const lying = ways(1, { structSize: 8 });
    expect(ask(lying, refusing).said).toBe('held');
    expect(ask(lying, refusing, { language: 'js' })).toEqual({ said: 'does not apply', broken: [] });
    expect(ask(ways(1), refusing, { language: 'js' }).said).toBe('held');
  });

  test('scratch that is too small can be offered where so much was asked for', () => {
    const lying = ways(1, { scratchBytes: -64 });
    const wants = (scratchBytes: number) => ({
      before: ok(right(base), { scratchBytes } as Partial<Outcome>),
    });
    expect(ask(lying, refusing, wants(63)).said).toBe('does not apply');
    expect(ask(lying, refusing, wants(64)).said).toBe('held');
  });

  test('what can be broken in more ways is asked more often', () => {
    expect(refuses(ways(7))).toMatchObject({ name: 'refusal', ways: 3 });
    expect(refuses(ways(3)).ways).toBe(1);
  });
});

test('memory grows to what broken tensors name, in whole words, and no further; what is sparse stays so', () => {
  const c = rmsNormCase({ rows: 2, n: 8, dtype: 'f16', x: { kind: 'normal', seed: 1 } });
  const longer: Refusal = {
    what: 'x is longer',
    of: each => ({
      ...each,
      tensors: { ...each.tensors, x: { ...each.tensors.x, shape: [2, 9], strides: [9, 1] } },
    }),
  };
  const call = brokenCall(longer, c)!;
  expect(call.buffers.x).toEqual({ ...c.buffers.x, bytes: 36, sparse: false });
  expect(call.buffers.y).toEqual({ ...c.buffers.y, sparse: false });
  const sparse = { ...c, buffers: { ...c.buffers, y: { ...c.buffers.y, sparse: true } } };
  expect(brokenCall(longer, sparse)!.buffers.y.sparse).toBe(true);
});

test('strides of an output without elements are nobody’s to refuse', () => {
  const ofStrides = /overlap along|repeats elements/;
  for (const suite of suites) {
    const empty = Array.from({ length: 300 }, (_, k) => drawCase(suite, 4, k).case).filter(
      c => outputElements(c) === 0,
    );
    expect(empty.length, suite.op).toBeGreaterThan(0);
    for (const c of empty) {
      for (const refusal of suite.refusals.filter(({ what }) => ofStrides.test(what))) {
        expect(brokenCall(refusal, c), `${suite.op}: ${refusal.what}`).toBeNull();
      }
    }
  }
});
