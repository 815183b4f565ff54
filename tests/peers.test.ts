/** Peers on the command line: known by name, apart from the verdict, and no matter when they are not there. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readFailure, writeFailure } from '../src/check/failure-file.ts';
import { drawCase } from '../src/check/generate.ts';
import { load, providerNamed } from '../src/providers/provider.ts';
import { readRun } from '../src/run/store.ts';
import { rmsNorm } from '../suites/rms_norm/index.ts';
import { check, tempFolder, tierwise } from './testing/cli.ts';

const short = ['--op', 'rms_norm', '--cases', '400'];
const found = providerNamed('onnxruntime');
const installed = found !== undefined && found.missing === undefined;
const nowhere = { TIERWISE_ONNXRUNTIME: '/nowhere/libonnxruntime.so.1' };

describe('a peer that is not there', () => {
  test('leaves its cells unavailable, with the command that gets it, and the verdict alone', async () => {
    const folder = tempFolder();
    const { status, stdout } = await tierwise(
      ['check', ...short, '--peer', 'onnxruntime', '--json', 'run.json'],
      folder,
      nowhere,
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /onnxruntime is unavailable: .*is not there; to get it: npm install onnxruntime-node@\d/,
    );
    const cells = readRun(join(folder, 'run.json')).cells.filter(cell => cell.provider === 'onnxruntime');
    expect(cells.length).toBeGreaterThan(0);
    expect(new Set(cells.map(cell => cell.verdict))).toEqual(new Set(['unavailable']));
  });

  test('can not be asked again', async () => {
    const folder = tempFolder();
    const file = join(folder, 'failure.json');
    writeFailure(file, {
      version: 1,
      kernel: {
        provider: 'onnxruntime',
        library: null,
        build: 'b',
        op: 'rms_norm',
        name: 'contrib',
        tier: 'auto',
      },
      property: 'equivalence',
      message: 'it was wrong once',
      found: { seed: 1, k: 0 },
      case: drawCase(rmsNorm, 1, 0).case,
    });
    const { status, stderr } = await tierwise(['replay', file], folder, nowhere);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/cannot run: .*to get it: npm install onnxruntime-node/),
    ]);
  });
});

test('a name that no peer has', async () => {
  const { status, stderr } = await tierwise(['check', ...short, '--peer', 'nobody'], tempFolder());
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(/there is no peer "nobody"; there is onnxruntime/),
  ]);
});

describe.skipIf(!installed)('a peer that is there', () => {
  test('stands beside the native kernels, and as a subject where it is asked for', async () => {
    const folder = tempFolder();
    const beside = await check([...short, '--peer', 'onnxruntime'], folder);
    expect(beside.status).toBe(0);
    expect(beside.run.providers.map(({ name, role }) => [name, role])).toEqual([
      ['native', 'subject'],
      ['onnxruntime', 'peer'],
    ]);
    const alone = await check([...short, '--provider', 'onnxruntime'], folder);
    expect(alone.run.providers.map(({ name, role }) => [name, role])).toEqual([['onnxruntime', 'subject']]);
    for (const { cells, providers } of [beside.run, alone.run]) {
      const own = cells.filter(cell => cell.provider === 'onnxruntime');
      expect(own.find(cell => cell.dtype === 'f32')).toMatchObject({ verdict: 'pass', kernel: 'contrib' });
      expect(own.find(cell => cell.dtype === 'bf16')?.verdict).toBe('unsupported');
      expect(providers.at(-1)?.version).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  test('is found again by its name', async () => {
    const folder = tempFolder();
    const { build } = load(providerNamed('onnxruntime')!);
    const file = join(folder, 'failure.json');
    writeFailure(file, {
      version: 1,
      kernel: {
        provider: 'onnxruntime',
        library: null,
        build,
        op: 'rms_norm',
        name: 'contrib',
        tier: 'auto',
      },
      property: 'equivalence',
      message: 'it was wrong once',
      found: { seed: 1, k: 0 },
      case: rmsNorm.shapes[0].make('f32').case,
    });
    const { status, stdout, stderr } = await tierwise(['replay', file], folder);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('holds equivalence of onnxruntime/rms_norm/contrib/auto');
    expect(readFailure(file).kernel.library).toBeNull();
    expect(readdirSync(folder)).toEqual(['failure.json']);
  });
});
