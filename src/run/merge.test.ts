import { describe, expect, test } from 'vitest';
import { renderReport } from '../../reports/report.ts';
import { peeredRun } from '../../reports/testing/peered.ts';
import { greenRun, plantedRun } from '../../reports/testing/sample.ts';
import { changed } from '../testing/changed.ts';
import { UsageError } from '../usage-error.ts';
import { type Cell, cellName, isEmulated, type Run, runSchema, type Verdict } from './document.ts';
import { merge } from './merge.ts';

/** Runs by name, merged. */
const merged = (runs: Readonly<Record<string, Run>>) =>
  merge(
    Object.entries(runs).map(([name, run]) => ({ name, run })),
    'tierwise merge',
  );
const a = greenRun();
/** The same kernels on a machine without avx512. */
const b = plantedRun();

const by = (run: Run, name: string) => run.cells.find(cell => cellName(cell) === name)!;

test('evidence adds up, cell by cell, and nothing is lost', () => {
  const both = merged({ a, b });
  const names = new Set([...a.cells, ...b.cells].map(cellName));
  expect(both.cells.map(cellName).sort()).toEqual([...names].sort());
  for (const cell of both.cells) {
    const own = [a, b].flatMap(run => by(run, cellName(cell)) ?? []);
    for (const what of ['cases', 'elements', 'telling', 'supported', 'asked'] as const) {
      expect(cell[what]).toBe(own.reduce((sum, one) => sum + one[what], 0));
    }
    const held = (of: Cell) => of.properties.reduce((sum, p) => sum + p.held + p.failed, 0);
    expect(held(cell)).toBe(own.reduce((sum, one) => sum + held(one), 0));
    expect(cell.worst?.ratio ?? 0).toBe(Math.max(...own.map(one => one.worst?.ratio ?? 0)));
  }
  expect(both.findings.length).toBe(a.findings.length + b.findings.length);
  expect(both.edges[0].cases).toBe(a.edges[0].cases + b.edges[0].cases);
});

test('machines are a list; times, findings and cells keep the one they are from', () => {
  const both = merged({ a, b });
  expect(both.machines).toEqual([...a.machines, ...b.machines]);
  expect(both.timings.map(t => t.machine)).toEqual([...a.timings.map(() => 0), ...b.timings.map(() => 1)]);
  expect(new Set(both.findings.map(f => f.machine))).toEqual(new Set([1]));
  expect(by(both, 'native/rms_norm/lanes32/avx2 f32').machines).toEqual([0, 1]);
  // Where the second machine could not run it.
  expect(by(both, 'native/rms_norm/lanes32/avx512 f32')).toMatchObject({ verdict: 'pass', machines: [0] });
  expect(by(both, 'native/rms_norm/lanes32/avx512 f32').reason).toBeUndefined();
});

test.each<[Verdict, Verdict, Verdict]>([
  ['pass', 'fail', 'fail'],
  ['unavailable', 'pass', 'pass'],
  ['unsupported', 'pass', 'pass'],
  ['not-run', 'unsupported', 'unsupported'],
  ['unavailable', 'not-run', 'not-run'],
  ['unavailable', 'unavailable', 'unavailable'],
])('%s and %s come to %s, whichever is first', (one, other, both) => {
  const with_ = (verdict: Verdict, seed: number) =>
    changed(a, { 'cells.0.verdict': verdict, 'cells.0.reason': verdict, 'command.seed': seed }) as Run;
  for (const run of [
    merged({ a: with_(one, 1), b: with_(other, 2) }),
    merged({ a: with_(other, 2), b: with_(one, 1) }),
  ])
    expect(run.cells[0]).toMatchObject({ verdict: both, reason: both });
});

test('a merge of merges is the merge of all', () => {
  const c = changed(a, { 'command.seed': 5, 'machines.0.model': 'third' }) as Run;
  const nested = merged({ ab: merged({ a, b }), c });
  expect(nested).toEqual(merged({ a, b, c }));
  expect(nested.machines.map(machine => machine.model)).toEqual([
    a.machines[0].model,
    b.machines[0].model,
    'third',
  ]);
  expect(merged({ a, bc: merged({ b, c }) })).toEqual(nested);
});

test('different bits on two machines leave no digest, the same bits one', () => {
  const other = changed(a, { 'cells.0.digest': 'ff' }) as Run;
  const both = merged({ a, other });
  expect(both.cells[0].digest).toBeNull();
  expect(both.cells[1].digest).toBe(a.cells[1].digest);
});

test('what one run left out and another asked is not left out', () => {
  const avx2 = (op: string) => ({ op, kernel: 'lanes32', tier: 'avx2' });
  const narrow = changed(a, {
    'providers.0.leftOut': [avx2('rms_norm'), avx2('rope')],
    cells: a.cells.filter(cell => cell.tier !== 'avx2'),
  }) as Run;
  expect(merged({ narrow, a }).providers[0].leftOut).toEqual([avx2('rope')]);
});

test('a peer that is missing on one machine has the build of the other, and is a subject where it is one anywhere', () => {
  const there = peeredRun();
  const absent: Run = {
    ...there,
    findings: [],
    timings: [],
    providers: there.providers.map(p => (p.role === 'peer' ? { ...p, build: '', version: 'not loaded' } : p)),
    cells: there.cells.map(cell => (cell.tier === 'auto' ? { ...cell, verdict: 'unavailable' } : cell)),
  };
  for (const both of [merged({ there, absent }), merged({ absent, there })]) {
    expect(both.providers[1]).toEqual(there.providers[1]);
  }
  const asked = changed(there, { 'providers.1.role': 'subject', 'command.seed': 9 }) as Run;
  expect(merged({ absent, asked }).providers[1].role).toBe('subject');
  expect(() => merged({ there, asked: changed(asked, { 'providers.1.build': 'c' }) as Run })).toThrow(
    'there and asked are runs of different builds of onnxruntime: b and c',
  );
});

test('machines that were emulated stand behind their own, and count as no part', () => {
  const emulated = { ...a.machines[0], model: 'Haswell, emulated', emulator: 'qemu-x86_64 7.2' };
  const played: Run = {
    ...a,
    machines: [...a.machines, emulated],
    cells: a.cells.map(cell => ({ ...cell, machines: [1] })),
  };
  const both = merged({ played, b });
  expect(both.machines.map(({ emulator }) => emulator)).toEqual([undefined, emulated.emulator, undefined]);
  expect(both.parts).toHaveLength(2);
  for (const cell of a.cells) {
    const own = by(b, cellName(cell))?.machines.map(machine => machine + 2) ?? [];
    expect(by(both, cellName(cell)).machines).toEqual([1, ...own]);
    expect(isEmulated(both, by(both, cellName(cell)))).toBe(own.length === 0);
  }
});

describe('is refused:', () => {
  test.each<[string, () => Run, RegExp]>([
    [
      'another build of a provider',
      () => merged({ a, other: changed(a, { 'providers.0.build': 'beef' }) as Run }),
      /^a and other are runs of different builds of native: [0-9a-f]{64} and beef$/,
    ],
    ['a run with itself', () => merged({ a, again: a }), /^a and again hold the same run, of 2026-/],
    ['a part twice', () => merged({ ab: merged({ a, b }), b }), /^ab and b hold the same run, of 2026-/],
    [
      'another version of the tool',
      () => merged({ a, other: changed(a, { 'tool.version': '9.9' }) as Run }),
      /^a was made by tierwise 0\.1\.0 and other by 9\.9/,
    ],
    [
      'counts that no run has',
      () => {
        const huge = (cases: number) => changed(a, { 'cells.0.cases': cases }) as Run;
        return merged({ a: huge(Number.MAX_SAFE_INTEGER), b: huge(Number.MAX_SAFE_INTEGER - 1) });
      },
      /^a and b do not make a run together: /,
    ],
  ])('%s', (_, attempt, says) => {
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(says);
  });
});

test('the report shows both machines, and compares no times across them', () => {
  const both = merged({ a, b });
  const page = String(renderReport(both));
  for (const { model } of both.machines) expect(page).toContain(`<h3>On ${model}</h3>`);
  expect(page).toContain('right in every tier these machines have');
  expect(runSchema.parse(JSON.parse(JSON.stringify(both)))).toEqual(both);
});
