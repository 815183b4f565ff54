/** Kernels on an emulated CPU: what is above their tier ends there, and evidence says where it is from. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { planted, sightings } from '../src/check/testing/planted.ts';
import { emulatorVersion } from '../src/providers/emulated.ts';
import { projectRoot } from '../src/root.ts';
import { isEmulated, machineTiers } from '../src/run/document.ts';
import { check, tempFolder, tierwise } from './testing/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'tierwise-emulated-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** An instruction of AVX that no survey sees: the way to it stands in a table. */
const hidden = {
  outside: `
    #include <immintrin.h>
    __attribute__((target("avx"), noinline)) static double wide(const float *p) {
      return _mm256_cvtss_f32(_mm256_add_ps(_mm256_set1_ps(*p), _mm256_set1_ps(0)));
    }
    static double (*volatile const table[])(const float *) = {wide};`,
  row: 'r += 0 * table[0](element(x, i, 0));',
};

test('without the emulator it says how to get it', async () => {
  const own = tempFolder();
  const { status, stderr } = await tierwise(['check', '--emulate', '--cases', '8'], own, { PATH: own });
  expect(status).toBe(2);
  expect(stderr).toMatch(/qemu-x86_64 is not there: apt-get install qemu-user/);
});

const there = emulatorVersion() !== null;
if (!there) console.warn('qemu-x86_64 is not there: the tests of emulation do not run');

describe.skipIf(!there)('under qemu-x86_64', { timeout: 120_000 }, () => {
  const nehalem = { is: 'emulated', model: 'Nehalem' } as const;

  test('an instruction above the tier, reached by a table, is a finding of dispatch', () => {
    const path = planted(folder, 'hidden', hidden);
    expect(sightings(path, 40, ['dispatch'])).toEqual([]);
    const [seen] = sightings(path, 40, ['dispatch'], nehalem);
    expect(seen?.breach).toMatchObject({ property: 'dispatch', fatal: 'crash' });
    expect(seen?.breach.message).toMatch(/illegal on the emulated CPU, Nehalem/);
  });

  test('a crash of another kind stays one of survival', () => {
    const path = planted(folder, 'crash', { first: '*(volatile int *)8 = 1;' });
    const properties = sightings(path, 40, ['dispatch'], nehalem).map(({ breach }) => breach.property);
    expect(new Set(properties)).toEqual(new Set(['survival']));
  });

  test('a run says what was emulated, and replay goes there again', async () => {
    const own = tempFolder();
    const path = planted(folder, 'replayed', hidden);
    const line = [
      '--library',
      path,
      '--emulate',
      '--cases',
      '40',
      '--dtype',
      'f32',
      '--property',
      'dispatch',
    ];
    const { status, run } = await check(line, own);
    expect(status).toBe(1);
    const [finding] = run.findings;
    expect(finding).toMatchObject({ property: 'dispatch', machine: 1 });
    expect(run.machines[1]).toMatchObject({
      model: 'Nehalem, emulated',
      emulator: expect.stringMatching(/^qemu/),
    });
    const again = await tierwise(['replay', finding.file], own);
    expect(again).toMatchObject({ status: 1, stdout: expect.stringMatching(/fails.* dispatch/) });
  });

  test('tiers that the machine lacks are emulated unasked, those that it has are not', async () => {
    const built = (name: string) => import(join(projectRoot, 'dist/src/cli', name));
    const { makeRun }: typeof import('../src/cli/make-run.ts') = await built('make-run.js');
    const { select }: typeof import('../src/cli/options.ts') = await built('options.js');
    const selected = select({ op: ['rms_norm'], tier: ['sse2', 'avx2', 'avx512'], dtype: ['f32'] });
    const own = tempFolder();
    const run = await makeRun(
      // As a machine without AVX has them.
      { ...selected, kernels: selected.kernels.map(k => ({ ...k, available: k.tier === 'sse2' })) },
      {
        ...{ seed: 1, cases: 24, budget: null, properties: ['dispatch'], workers: 1, writes: [] },
        ...{
          check: true,
          bench: null,
          regressions: null,
          ownCases: null,
          failures: own,
          emulate: 'lacking',
        },
      },
    );
    expect(run.cells.map(cell => [cell.tier, cell.verdict, isEmulated(run, cell)])).toEqual([
      ['sse2', 'pass', false],
      ['avx2', 'pass', true],
      ['avx512', 'unavailable', false],
    ]);
    expect(run.machines.map(({ model }) => model).slice(1)).toEqual(['Haswell, emulated']);
  });

  test.each(['rms_norm', 'rope', 'gqa'])('own kernels of %s pass, those of avx512 are not run', async op => {
    const own = tempFolder();
    const { run } = await check(['--op', op, '--emulate', '--cases', '24', '--dtype', 'f32'], own);
    const seen = run.cells.map(cell => [cell.tier, cell.verdict, isEmulated(run, cell)]);
    const here = machineTiers(run).some(({ tier, available }) => tier === 'avx512' && available);
    expect(seen).toEqual([
      ['scalar', 'pass', true],
      ['sse2', 'pass', true],
      ['avx2', 'pass', true],
      ['avx512', here ? 'not-run' : 'unavailable', false],
    ]);
    expect(run.findings).toEqual([]);
  });
});
