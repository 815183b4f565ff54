import { describe, expect, test } from 'vitest';
import { greenRun, passCell, plantedRun } from '../../reports/testing/sample.ts';
import { type Config, configSchema } from '../config/config.ts';
import { type Cell, cellName, type Run, runSchema, verdicts } from '../run/document.ts';
import { merge } from '../run/merge.ts';
import { changed } from '../testing/changed.ts';
import { type Circumstances, judge } from './gate.ts';

const today = '2026-11-25';
const gate = (run: Run, config: Config = {}, rest: Partial<Circumstances> = {}) =>
  judge(runSchema.parse(run), configSchema.parse(config), {
    today,
    builds: new Map(),
    regressions: [],
    ...rest,
  });
/** Names of the red rows, and why. */
const red = (judged: ReturnType<typeof gate>) =>
  Object.fromEntries(judged.rows.filter(row => row.state === 'red').map(row => [cellName(row), row.why]));

const green = greenRun();
const f32 = 'native/rms_norm/lanes32/avx2 f32';
const with_ = (changes: Record<string, unknown>): Run => changed(green, changes) as Run;
/** The green run, one of its cells changed. */
const cell = (change: Partial<Cell>, name = f32): Run => ({
  ...green,
  cells: green.cells.map(one => (cellName(one) === name ? { ...one, ...change } : one)),
});
/** Cases, elements and all else taken away. */
const nothing = { cases: 0, elements: 0, telling: 0, supported: 0, machines: [], properties: [] };

test('a run that holds everything is green, with one row a cell', () => {
  const judged = gate(green);
  expect(judged).toMatchObject({ red: false, problems: [], warnings: [] });
  expect(judged.rows.map(row => row.state)).toEqual(green.cells.map(() => 'green'));
});

describe('what is required and was not executed is red', () => {
  test.each(verdicts.filter(verdict => verdict !== 'pass'))('%s', verdict => {
    const run = cell({ ...nothing, verdict, reason: `it is ${verdict}` });
    const required = { require: [{ tiers: ['avx2'] }] };
    expect(red(gate(run, required))).toEqual({ [f32]: `it is ${verdict}` });
  });

  test('whatever a document claims: a pass on nothing is none', () => {
    for (const change of [{ cases: 0 }, { elements: 0 }, { telling: 0 }]) {
      expect(Object.keys(red(gate(cell(change))))).toEqual([f32]);
    }
    const failed = [{ name: 'memory', held: 4, failed: 1 }];
    expect(red(gate(cell({ properties: failed })))).toEqual({ [f32]: 'does not hold: memory' });
  });

  test('a cell that is not there, with the reason', () => {
    const without = (wanted: (one: Cell) => boolean): Run => ({
      ...green,
      cells: green.cells.filter(one => !wanted(one)),
    });
    const avx2 = { op: 'rms_norm', kernel: 'lanes32', tier: 'avx2' };
    const noAvx2 = without(one => one.tier === 'avx2');
    expect(Object.keys(red(gate(noAvx2, { require: [{ tiers: ['avx2'] }] })))).toEqual(
      ['f32', 'f16', 'bf16'].map(dtype => `native/rms_norm/*/avx2 ${dtype}`),
    );
    // A filter is no excuse, even where nothing names the tier.
    const leftOut = changed(noAvx2, { 'providers.0.leftOut': [avx2] }) as Run;
    expect(red(gate(leftOut))[f32]).toBe('the run was told to leave this kernel out');
    expect(red(gate(without(one => one.dtype === 'f32')))[f32]).toBe('the run was told to leave f32 out');
    expect(red(gate(green, { require: [{ provider: 'mine', ops: ['rope'], tiers: ['avx2'] }] }))).toEqual(
      Object.fromEntries(
        ['f32', 'f16', 'bf16'].map(d => [`mine/rope/*/avx2 ${d}`, 'the run has no such provider']),
      ),
    );
    expect(
      Object.keys(red(gate(green, { require: [{ kernels: ['lanes32', 'wide'], dtypes: ['f32'] }] }))),
    ).toEqual(['scalar', 'sse2', 'avx2', 'avx512'].map(tier => `native/rms_norm/wide/${tier} f32`));
  });

  test('a tier that no machine has, if it is named; otherwise it is beside the matter', () => {
    const run = { ...plantedRun(), findings: [] };
    const native = { ...run, cells: run.cells.filter(one => one.provider === 'native') };
    expect(gate(native, { require: [{ provider: 'native' }] }).red).toBe(false);
    const named = gate(native, { require: [{ provider: 'native', tiers: ['avx512'] }] });
    expect(Object.keys(red(named)).length).toBe(3);
    // Another machine has it.
    const both = merge(
      [
        { name: 'a', run: native as Run },
        { name: 'b', run: green },
      ],
      'merge',
    );
    expect(gate(both, { require: [{ provider: 'native', tiers: ['avx512'] }] }).red).toBe(false);
  });

  test('nothing at all', () => {
    expect(gate({ ...green, cells: [] }).red).toBe(true);
    expect(gate({ ...green, cells: [], providers: [] })).toMatchObject({
      red: true,
      problems: [expect.stringMatching(/^nothing is required/)],
    });
  });
});

describe('a failure is red', () => {
  const failing = cell({
    verdict: 'fail',
    properties: [{ name: 'memory', held: 3, failed: 1 }],
    reason: 'memory',
  });
  const known = {
    op: 'rms_norm',
    tier: 'avx2',
    dtype: 'f32',
    property: 'memory',
    reason: 'mended soon',
  } as const;

  test('required or not', () => {
    expect(red(gate(failing, { require: [{ tiers: ['sse2'] }] }))).toEqual({ [f32]: 'memory' });
  });

  test.each([
    ['today', today, false],
    ['later', '2030-01-01', false],
    ['yesterday', '2026-11-24', true],
  ])('known until %s', (_, until, closed) => {
    const judged = gate(failing, { known: [{ ...known, until }] });
    expect(judged.red).toBe(closed);
    const [row] = judged.rows.filter(one => cellName(one) === f32);
    expect(row.state).toBe(closed ? 'red' : 'known');
    expect(row.why).toBe(
      closed
        ? 'known until 2026-11-24 (mended soon), and that is over: memory'
        : `memory until ${until}: mended soon`,
    );
    expect(judged.warnings).toEqual([]);
  });

  test.each([{ tier: 'sse2' }, { kernel: 'other' }, { property: 'equivalence' }, { dtype: 'f16' }] as const)(
    'an entry with %j does not speak of it, and is told to go',
    change => {
      const judged = gate(failing, { known: [{ ...known, ...change, until: '2030-01-01' }] });
      expect(Object.keys(red(judged))).toEqual([f32]);
      expect(judged.warnings).toEqual([
        expect.stringMatching(/^known finding that this run does not have: /),
      ]);
    },
  );

  test('every property of a cell has to be known', () => {
    const two = cell({
      verdict: 'fail',
      properties: ['memory', 'bias'].map(name => ({ name, held: 0, failed: 1 })),
    });
    expect(gate(two, { known: [{ ...known, until: '2030-01-01' }] }).red).toBe(true);
  });

  test('of a kernel that executed another one has a name too', () => {
    const other = cell({ verdict: 'fail', reason: 'it was asked for avx2 and executed scalar' });
    expect(gate(other).red).toBe(true);
    expect(gate(other, { known: [{ ...known, property: 'execution', until: '2030-01-01' }] }).red).toBe(
      false,
    );
  });

  test('a kernel that is known to crash was not asked in its other types because of that', () => {
    const died = { ...nothing, verdict: 'not-run', reason: 'it crashed in another type' } as const;
    const base = cell({ verdict: 'fail', properties: [{ name: 'survival', held: 0, failed: 1 }] });
    const crashed = {
      ...base,
      cells: base.cells.map(c => (c.tier === 'avx2' && c.dtype !== 'f32' ? { ...c, ...died } : c)),
    };
    const entry = {
      kernel: 'lanes32',
      tier: 'avx2',
      property: 'survival',
      reason: 'old',
      until: '2030-01-01',
    };
    expect(Object.keys(red(gate(crashed))).length).toBe(3);
    expect(gate(crashed, { known: [entry] }).red).toBe(false);
    expect(Object.keys(red(gate(crashed, { known: [{ ...entry, dtype: 'f32' }] }))).length).toBe(2);
  });
});

test('a tier that is emulated alone is not required unasked', () => {
  const [machine] = green.machines;
  const without = machine.tiers.map(t => (t.tier === 'avx2' ? { ...t, available: false } : t));
  const run: Run = {
    ...cell({ machines: [1] }),
    machines: [
      { ...machine, tiers: without },
      { ...machine, emulator: 'qemu' },
    ],
  };
  const judged = gate(run);
  expect(judged.red).toBe(false);
  expect(judged.rows.find(row => cellName(row) === f32)?.state).toBe('aside');
});

describe('thin evidence is red', () => {
  const [{ cases, elements }] = green.cells;
  test.each<[Config['evidence'], RegExp]>([
    [{ cases: cases + 1 }, /^thin: 512 cases, at least 513 wanted$/],
    [{ elements: elements * 2 }, /^thin: .* elements, at least .* wanted$/],
    [{ properties: ['alignment'] }, /^thin: never asked for alignment$/],
  ])('%j', (evidence, says) => {
    const judged = gate(green, { evidence });
    expect(judged.rows.every(row => row.state === 'red' && says.test(row.why))).toBe(true);
    expect(gate(green, { evidence: { cases, elements: 1, properties: ['memory'] } }).red).toBe(false);
  });

  test('cells of emulated CPUs alone, unless they are to count', () => {
    const { tiers, ...machine } = green.machines[0];
    const emulated = { ...machine, tiers: tiers.map(t => ({ ...t, available: true })), emulator: 'qemu' };
    const twoMachines = (machines: number[]): Run => ({
      ...cell({ machines }),
      machines: [...green.machines, emulated],
    });
    expect(red(gate(twoMachines([1])))).toEqual({ [f32]: 'thin: executed on an emulated CPU alone' });
    expect(gate(twoMachines([1]), { evidence: { emulated: true } }).red).toBe(false);
    expect(gate(twoMachines([0, 1])).red).toBe(false);
  });

  test('the share that a kernel accepts', () => {
    const shy = cell({ supported: 30, asked: 100, cases: 200 });
    expect(gate(shy, { evidence: { supported: 0.3 } }).red).toBe(false);
    expect(red(gate(shy, { evidence: { supported: 0.31 } }))).toEqual({
      [f32]: 'thin: 30 % supported, at least 31 % wanted',
    });
  });

  test('edges that no case reached', () => {
    const never = with_({ 'edges.0.cases': 0 });
    const { length } = green.edges;
    expect(gate(never, { evidence: { edges: (length - 1) / length } }).red).toBe(false);
    expect(gate(never, { evidence: { edges: 1 } }).problems).toEqual([
      `thin: rms_norm reached ${length - 1} of ${length} edges, at least 100 % wanted; never: row length: 1`,
    ]);
    expect(gate({ ...green, edges: [] }, { evidence: { edges: 0.1 } }).red).toBe(true);
  });

  test('evidence of several machines adds up', () => {
    const both = merge(
      [
        { name: 'a', run: green },
        { name: 'b', run: with_({ 'command.seed': 2 }) },
      ],
      'merge',
    );
    expect(gate(both, { evidence: { cases: cases * 2 } }).red).toBe(false);
    expect(gate(green, { evidence: { cases: cases * 2 } }).red).toBe(true);
  });
});

test('peers count for nothing, unless a row names them', () => {
  const failing = cell({ verdict: 'fail', reason: 'it is wrong' });
  const theirs = (run: Run): Run => ({
    ...run,
    providers: [...green.providers, { ...run.providers[0], name: 'peer', role: 'peer' }],
    cells: [...green.cells, ...run.cells.map(one => ({ ...one, provider: 'peer' }))],
  });
  expect(gate(theirs(failing)).red).toBe(false);
  expect(gate(theirs(failing)).rows.length).toBe(green.cells.length);
  expect(Object.keys(red(gate(theirs(failing), { require: [{ provider: 'peer' }] })))).toEqual([
    f32.replace('native', 'peer'),
  ]);
});

describe('what stands beside the run', () => {
  test('a library that has been built anew since', () => {
    const [{ build }] = green.providers;
    expect(gate(green, {}, { builds: new Map([['libmine.so', build]]) }).red).toBe(false);
    expect(gate(green, {}, { builds: new Map([['libmine.so', 'beef']]) }).problems).toEqual([
      'the run is not of libmine.so as it is now (build beef): run again',
    ]);
  });

  test('a failure file that was not asked again', () => {
    const { provider, op, kernel, tier, dtype } = passCell('lanes32', 'avx2', 'f32');
    const one = { provider, op, kernel, tier, dtype, machine: 0, file: 'a.json', property: 'memory' };
    const asked = (outcome: string): Run =>
      with_({ regressions: [{ ...one, outcome, ...(outcome === 'not-asked' && { reason: 'no reason' }) }] });
    const regressions = ['a.json'];
    expect(gate(green, {}, { regressions }).problems).toEqual([
      'regression a.json was not asked again: the run does not know it',
    ]);
    expect(gate(asked('held'), {}, { regressions }).red).toBe(false);
    expect(gate(asked('not-asked'), {}, { regressions }).problems).toEqual([
      'regression a.json was not asked again: no reason',
    ]);
    expect(gate(asked('not-asked'), { require: [{ tiers: ['sse2'] }] }, { regressions }).red).toBe(false);
  });
});
