/**
 * The ledger starts from "not run": a cell is green by executed, telling evidence alone. (H numbers: bugs that
 * other projects' harnesses had.)
 */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { greenRun } from '../../reports/testing/sample.ts';
import { exitCode } from '../cli/make-run.ts';
import { type Kernel, kernelId, type LoadedProvider } from '../providers/provider.ts';
import { ratioLimit } from '../run/document.ts';
import type { Checked, Found } from './check.ts';
import { add, type CellKey, casesOf, count, type Evidence, noEvidence, weigh } from './evidence.ts';
import { drawCase } from './generate.ts';
import { cellsOf, edgesOf } from './ledger.ts';
import { suiteOf } from './properties.ts';
import type { Breach } from './property.ts';
import { kernel } from './testing/fake-lab.ts';

const provider = { name: 'fake', path: null, version: '1', build: 'b1', foreign: [] };
const id = 'rms_norm/k/scalar';

/** Evidence of a cell that deserves its green. */
const good: Evidence = {
  ...noEvidence(),
  cases: 10,
  elements: 100,
  telling: 90,
  supported: 10,
  asked: 10,
  worst: { ratio: 0.5, k: 0 },
  properties: { equivalence: { held: 10, failed: 0 } },
  executed: [id],
};

const nothing: Checked = {
  evidence: new Map(),
  found: [],
  digests: new Map(),
  died: new Set(),
  mishaps: [],
  edges: new Map(),
  cases: 0,
  elements: 0,
  calls: 0,
  seconds: 1,
};

const found = (subject: Kernel, property: string, fatal?: Breach['fatal']): Found => {
  const breach: Breach = { property, message: 'it was wrong', elements: [], ...(fatal && { fatal }) };
  const { case: c } = drawCase(suiteOf('rms_norm'), 1, 0);
  return {
    op: 'rms_norm',
    sighting: { kernel: kernelId(subject), dtype: 'f32', k: 0, breach },
    shrunk: { case: c, breach, steps: 0, runs: 1, fromElements: 1, toElements: 1 },
  };
};

/** The cell of one kernel in f32. */
function cellOf(evidence: Partial<Evidence> | null, rest: Partial<Checked> = {}, subject = kernel('k')) {
  const providers: LoadedProvider[] = [{ ...provider, kernels: [subject] }];
  const entries: [CellKey, Evidence][] = evidence
    ? [[`${kernelId(subject)}#f32`, { ...structuredClone(good), ...evidence }]]
    : [];
  const checked = { ...nothing, evidence: new Map(entries), ...rest };
  return cellsOf(providers, [subject], ['f32'], checked, 1)[0];
}

describe('a cell', () => {
  test('with evidence passes, and carries it', () => {
    const cell = cellOf({}, { digests: new Map([['fake/rms_norm/k/scalar#f32', 'd']]) });
    expect(cell).toMatchObject({
      verdict: 'pass',
      cases: 10,
      telling: 90,
      build: 'b1',
      digest: 'd',
      executed: [id],
    });
    expect(cell.worst?.case).toEqual(drawCase(suiteOf('rms_norm'), 1, 0).case);
    expect('reason' in cell).toBe(false);
  });

  test.each<[string, string, () => ReturnType<typeof cellOf>, string, RegExp]>([
    ['H9', 'that was never asked', () => cellOf(null), 'not-run', /no case/],
    ['H7', 'of which no case was asked', () => cellOf({ ...noEvidence() }), 'not-run', /no case/],
    [
      '',
      'that declines everything',
      () => cellOf({ supported: 0, cases: 0, elements: 0, telling: 0 }),
      'unsupported',
      /all 10 cases/,
    ],
    [
      'H10',
      'whose every expected value was zero',
      () => cellOf({ telling: 0 }),
      'not-run',
      /nothing is proved/,
    ],
    [
      '',
      'that compared nothing',
      () => cellOf({ elements: 0, telling: 0, worst: null }),
      'not-run',
      /nothing is proved/,
    ],
    [
      'H9',
      'that executed another tier',
      () => cellOf({ executed: ['rms_norm/k/sse2'] }),
      'fail',
      /asked for rms_norm\/k\/scalar and executed rms_norm\/k\/sse2/,
    ],
    [
      'H9',
      'that once executed another tier',
      () => cellOf({ executed: [id, 'rms_norm/k/sse2'] }),
      'fail',
      /executed rms_norm\/k\/sse2/,
    ],
    [
      '',
      'with a finding',
      () => cellOf({}, { found: [found(kernel('k'), 'memory')] }),
      'fail',
      /memory: it was wrong/,
    ],
    [
      '',
      'whose property failed, though no finding was filed',
      () => cellOf({ properties: { threads: { held: 9, failed: 1 } } }),
      'fail',
      /threads failed 1 times/,
    ],
    [
      '',
      'of a kernel that died in another type',
      () => cellOf({}, { died: new Set(['fake/rms_norm/k/scalar']) }),
      'not-run',
      /crashed or hung/,
    ],
    [
      '',
      'that does not run here',
      () => cellOf(null, {}, kernel('k', { available: false })),
      'unavailable',
      /cannot run scalar/,
    ],
  ])('%s %s is not green', (_h, _what, of, verdict, reason) => {
    const cell = of();
    expect(cell.verdict).toBe(verdict);
    expect(cell.reason).toMatch(reason);
  });

  test('without a check is not run, whatever it is', () => {
    const subject = kernel('k');
    const [cell] = cellsOf([{ ...provider, kernels: [subject] }], [subject], ['f32'], null, 1);
    expect(cell).toMatchObject({
      verdict: 'not-run',
      reason: 'no case was asked of it',
      cases: 0,
      digest: null,
    });
  });

  test('answers for its own kernel, type and provider alone', () => {
    const ours = ['a', 'b'].map(name => kernel(name));
    const theirs = kernel('a', { provider: 'other' });
    const providers: LoadedProvider[] = [
      { ...provider, kernels: ours },
      { ...provider, name: 'other', build: 'b2', kernels: [theirs] },
    ];
    const kernels = [...ours, theirs];
    const evidence = new Map(
      kernels.flatMap(subject =>
        (['f32', 'bf16'] as const).map((dtype): [CellKey, Evidence] => [
          `${kernelId(subject)}#${dtype}`,
          { ...structuredClone(good), executed: [`rms_norm/${subject.name}/scalar`] },
        ]),
      ),
    );
    const checked = { ...nothing, evidence, found: [found(ours[1], 'memory')] };
    const cells = cellsOf(providers, kernels, ['f32', 'bf16'], checked, 1);
    expect(cells.map(({ provider, kernel, dtype, verdict }) => [provider, kernel, dtype, verdict])).toEqual([
      ['fake', 'a', 'f32', 'pass'],
      ['fake', 'a', 'bf16', 'pass'],
      ['fake', 'b', 'f32', 'fail'],
      ['fake', 'b', 'bf16', 'pass'],
      ['other', 'a', 'f32', 'pass'],
      ['other', 'a', 'bf16', 'pass'],
    ]);
    expect(cells.map(({ build }) => build)).toEqual(['b1', 'b1', 'b1', 'b1', 'b2', 'b2']);
  });

  test('says what the kernel declares, and of which machine it is', () => {
    const subject = kernel('k', { promises: 1 | 4 | 16, numerics: 3 });
    expect(cellOf({}, {}, subject)).toMatchObject({
      promises: ['threads', 'placement', 'fma tiers'],
      numerics: 'f16 accumulate',
      machines: [0],
      properties: [{ name: 'equivalence', held: 10, failed: 0 }],
    });
    expect(cellOf({}, {}, kernel('k', { numerics: 9 })).numerics).toBe('class 9');
    expect(cellOf({ worst: null }).worst).toBeNull();
    expect(cellOf({ cases: 0 }).machines).toEqual([]);
  });

  test('is there for every kernel and type', () => {
    const kernels = ['a', 'b'].map(name => kernel(name));
    const cells = cellsOf([{ ...provider, kernels }], kernels, ['f32', 'bf16'], nothing, 1);
    expect(cells.map(cell => `${cell.kernel} ${cell.dtype}`)).toEqual(['a f32', 'a bf16', 'b f32', 'b bf16']);
  });

  test('no mixture of evidence is green that lacks a part of it', () => {
    const amount = fc.constantFrom(0, 0, 5);
    const parts = fc.record({
      cases: amount,
      elements: amount,
      telling: amount,
      supported: amount,
      asked: amount,
      executed: fc.subarray([id, 'rms_norm/k/avx2']),
      failed: fc.constantFrom(0, 0, 1),
    });
    fc.assert(
      fc.property(parts, ({ failed, ...evidence }) => {
        const { verdict } = cellOf({ ...evidence, properties: { equivalence: { held: 3, failed } } });
        const { telling, supported, asked, executed } = evidence;
        const deserved =
          telling > 0 && supported > 0 && asked > 0 && failed === 0 && !executed.includes('rms_norm/k/avx2');
        expect(verdict === 'pass').toBe(deserved);
      }),
    );
  });
});

test('the exit code is 1 for a finding, and for what ran and proved nothing', () => {
  const run = greenRun();
  const [cell] = run.cells;
  expect(exitCode({ ...run, findings: [] })).toBe(0);
  expect(exitCode({ ...run, cells: [...run.cells, { ...cell, verdict: 'fail' }] })).toBe(1);
  expect(exitCode({ ...run, cells: [...run.cells, { ...cell, verdict: 'not-run' }] })).toBe(1);
  expect(exitCode({ ...run, cells: [...run.cells, { ...cell, verdict: 'not-run', cases: 0 }] })).toBe(0);
});

test('edges that were never reached are told as zeros', () => {
  const { dimensions } = suiteOf('rms_norm');
  const [first] = dimensions;
  const edges = edgesOf({
    ...nothing,
    edges: new Map([['rms_norm', { [first.name]: { [first.edges[1]]: 7 } }]]),
  });
  expect(edges.length).toBe(dimensions.reduce((sum, dimension) => sum + dimension.edges.length, 0));
  expect(edges.filter(edge => edge.cases > 0)).toEqual([
    { op: 'rms_norm', dimension: first.name, edge: first.edges[1], cases: 7 },
  ]);
});

describe('evidence', () => {
  const tally = fc.record({ held: fc.nat(9), failed: fc.nat(9) });
  const moments = fc.dictionary(fc.constantFrom('0', '1', '9'), fc.nat(255));
  const some: fc.Arbitrary<Evidence> = fc.record({
    cases: fc.nat(9),
    elements: fc.nat(999),
    telling: fc.nat(999),
    supported: fc.nat(9),
    asked: fc.nat(9),
    worst: fc.option(fc.record({ ratio: fc.constantFrom(0, 0.5, 1, 2), k: fc.nat(99) })),
    precision: fc.option(fc.constantFrom(0, 0.25, 3)),
    properties: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tally),
    when: fc.dictionary(fc.constantFrom('a', 'b'), fc.record({ asked: moments, failed: moments })),
    executed: fc.uniqueArray(fc.constantFrom('x', 'y', 'z')),
  });
  const sum = (...parts: Evidence[]) => {
    const total = noEvidence();
    for (const part of parts) add(total, structuredClone(part));
    return total;
  };
  // fast-check's dictionaries have no prototype.
  const plain = (evidence: Evidence) => JSON.parse(JSON.stringify(evidence)) as Evidence;

  test('adds up to the same whole, whatever parts are added first', () => {
    fc.assert(
      fc.property(some, some, some, (a, b, c) => {
        expect(plain(sum(sum(a, b), c))).toEqual(plain(sum(a, sum(b, c))));
        expect(plain(sum(a))).toEqual(plain(a));
        expect(plain(sum(noEvidence(), a, noEvidence()))).toEqual(plain(a));
      }),
    );
  });

  test('loses nothing: sums are sums, the worst is the worst, the first of equals stays', () => {
    fc.assert(
      fc.property(fc.array(some, { minLength: 1 }), parts => {
        const total = sum(...parts);
        for (const field of ['cases', 'elements', 'telling', 'supported', 'asked'] as const) {
          expect(total[field]).toBe(parts.reduce((n, part) => n + part[field], 0));
        }
        const ratios = parts.flatMap(part => (part.worst ? [part.worst] : []));
        const worst = Math.max(...ratios.map(({ ratio }) => ratio));
        expect(total.worst ?? undefined).toEqual(ratios.find(({ ratio }) => ratio === worst));
        const precisions = parts.flatMap(({ precision }) => (precision === null ? [] : [precision]));
        expect(total.precision).toBe(precisions.length > 0 ? Math.max(...precisions) : null);
        expect(total.executed).toEqual([...new Set(parts.flatMap(part => part.executed))]);
      }),
    );
  });

  test('an error without measure is the worst there is, and JSON holds it', () => {
    const judgement = { role: 'y', elements: 4, informative: 3, failing: 1, bias: undefined, findings: [] };
    const evidence = noEvidence();
    weigh(evidence, [{ ...judgement, worst: { ratio: 0.5, index: 1 }, precision: undefined }], 3);
    weigh(evidence, [{ ...judgement, worst: { ratio: Infinity, index: 0 }, precision: Infinity }], 5);
    weigh(evidence, [{ ...judgement, worst: undefined, precision: 0.1 }], 7);
    expect(evidence).toMatchObject({
      elements: 12,
      telling: 9,
      worst: { ratio: ratioLimit, k: 5 },
      precision: ratioLimit,
    });
    expect(JSON.parse(JSON.stringify(evidence))).toEqual(evidence);
  });

  test('the worst of several outputs and cases is kept, the first of equals', () => {
    const judgement = { role: 'y', elements: 1, informative: 1, failing: 0, bias: undefined, findings: [] };
    const evidence = noEvidence();
    const see = (k: number, ...ratios: number[]) =>
      weigh(
        evidence,
        ratios.map(ratio => ({ ...judgement, worst: { ratio, index: 0 }, precision: ratio })),
        k,
      );
    see(1, 0.25, 0.5);
    see(2, 0.5);
    see(3, 0.125);
    expect(evidence).toMatchObject({ worst: { ratio: 0.5, k: 1 }, precision: 0.5, elements: 4, telling: 4 });
  });

  test('counts answers by property', () => {
    const evidence = noEvidence();
    for (const held of [true, true, false]) count(evidence, 'a', held);
    count(evidence, 'b', true);
    expect(evidence.properties).toEqual({ a: { held: 2, failed: 1 }, b: { held: 1, failed: 0 } });
    expect(evidence.when).toEqual({});
  });

  test('remembers of which cases a property was asked, and where it failed', () => {
    const parts = [0, 31, 32, 70].map(k => {
      const part = noEvidence();
      count(part, 'a', k !== 31 && k !== 70, k);
      return part;
    });
    const { asked, failed } = sum(...parts).when.a;
    expect([...casesOf(asked)]).toEqual([0, 31, 32, 70]);
    expect([...casesOf(failed)]).toEqual([31, 70]);
  });
});
