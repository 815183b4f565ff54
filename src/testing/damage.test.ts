/**
 * Damaged and hostile documents: each is refused in one line that names the file and the place, or is a document
 * still. Nothing else may come of it.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { renderReport } from '../../reports/report.ts';
import { plantedRun } from '../../reports/testing/sample.ts';
import { suites } from '../../suites/index.ts';
import { failureVersion, readFailure } from '../check/failure-file.ts';
import { drawCase } from '../check/generate.ts';
import { readOwnCases } from '../check/own-cases.ts';
import { replay } from '../check/replay.ts';
import { loadConfig } from '../config/load.ts';
import { judge } from '../gate/gate.ts';
import { load, native } from '../providers/provider.ts';
import { merge } from '../run/merge.ts';
import { readRun } from '../run/store.ts';
import { UsageError } from '../usage-error.ts';
import { type Damaged, damaged } from './damage.ts';

const folder = mkdtempSync(join(tmpdir(), 'tierwise-damage-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A run without most of its timings: damage is then likelier to hit what is read. */
const run = { ...plantedRun(), timings: plantedRun().timings.slice(0, 2) };
const cases = suites.flatMap(suite => [0, 5, 11].map(k => drawCase(suite, 1, k).case));
const kernels = load(native).kernels.filter(({ tier }) => tier === 'scalar');
const able = cases.filter(c => kernels.some(kernel => kernel.op === c.op));
const failures = able.map(c => {
  const { op, name, tier } = kernels.find(kernel => kernel.op === c.op)!;
  return {
    version: failureVersion,
    kernel: { provider: 'native', library: null, build: '', op, name, tier },
    property: 'equivalence',
    message: 'it was wrong once',
    found: { seed: 1, k: 0 },
    case: c,
  };
});
const config = {
  libraries: ['a.so'],
  providers: ['mine'],
  seed: 3,
  cases: 100,
  budget: '30s',
  ownCases: 'cases',
  regressions: 'regressions',
  require: [{ provider: 'mine', ops: ['rope'], kernels: ['a'], tiers: ['avx2'], dtypes: ['f32'] }],
  evidence: { cases: 5, elements: 6, supported: 0.5, properties: ['threads'], edges: 0.5 },
  known: [{ provider: 'mine', property: 'bias', reason: 'old', until: '2027-01-31' }],
};

interface Outcome {
  readonly what: string;
  readonly says: string | null;
}

/** Reads each; what is taken goes on to be used. */
async function outcomesOf(
  files: readonly Damaged[],
  read: (path: string) => unknown,
): Promise<(Outcome & { path: string })[]> {
  const outcomes: (Outcome & { path: string })[] = [];
  for (const [i, { what, content }] of files.entries()) {
    const own = mkdtempSync(join(folder, 'in-'));
    const path = join(own, `${i}.json`);
    writeFileSync(path, content);
    let says: string | null = null;
    try {
      await read(path);
    } catch (error) {
      if (!(error instanceof UsageError)) throw new Error(`${what}: ${(error as Error).stack}`);
      says = error.message;
    }
    outcomes.push({ what, says, path });
  }
  return outcomes;
}

/** Whether a line names the file, then the place in it or what is no JSON, and is no page of text. */
function isClear(says: string, path: string): boolean {
  const [file, ...rest] = says.split(' is not a ');
  const why = rest.join();
  return (
    file === path &&
    says.length < 700 + path.length &&
    /: at \S+|as a whole it is|JSON|Unexpected|Bad control/.test(why) &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not reach a terminal.
    !/[\u0000-\u0008\u001b]/.test(says)
  );
}

async function allClear(
  files: readonly Damaged[],
  read: (path: string) => unknown,
  atLeast: number,
): Promise<void> {
  const outcomes = await outcomesOf(files, read);
  const unclear = outcomes.filter(({ says, path }) => says !== null && !isClear(says, path));
  expect(unclear.map(({ what, says }) => ({ what, says }))).toEqual([]);
  expect(outcomes.filter(({ says }) => says !== null).length).toBeGreaterThanOrEqual(atLeast);
}

test('the same seed makes the same damage', () => {
  expect(damaged(config, 20, 1)).toEqual(damaged(config, 20, 1));
  expect(damaged(config, 20, 1)).not.toEqual(damaged(config, 20, 2));
});

describe('of 100 damaged documents each is refused clearly, or is one still:', () => {
  test('runs, which are then judged, merged and shown', async () => {
    const { settings } = await loadConfig(undefined, folder);
    const use = (path: string) => {
      const read = readRun(path);
      judge(read, settings, { today: '2026-11-26', builds: new Map(), regressions: [] });
      renderReport(read);
      merge([{ name: path, run: read }], 'tierwise merge');
    };
    await allClear(damaged(run, 100, 11), use, 60);
  }, 120_000);

  test('configs', async () => {
    await allClear(damaged(config, 100, 12), path => loadConfig(path, folder), 60);
  });

  test('cases', async () => {
    const files = cases.flatMap((c, i) => damaged(c, 17, 20 + i));
    await allClear(files, path => readOwnCases(join(path, '..')), 60);
  });

  test('failures', async () => {
    const files = failures.flatMap((failure, i) => damaged(failure, 17, 40 + i));
    await allClear(files, readFailure, 60);
  });
});

test('a damaged failure that is one still is replayed, or refused; the engine goes on', async () => {
  const files = failures.flatMap((failure, i) => damaged(failure, 60, 60 + i));
  const taken = (await outcomesOf(files, readFailure)).filter(({ says }) => says === null);
  expect(taken.length).toBeGreaterThan(10);
  const ends = await outcomesOf(
    taken.map(({ what }) => files.find(file => file.what === what)!),
    path => replay(readFailure(path), { inProcess: false }),
  );
  for (const { says } of ends) if (says !== null) expect(says.length).toBeLessThan(1000);
  mkdirSync(join(folder, 'after'));
  expect(replay(failures[0] as never, { inProcess: false }).breach).toBeUndefined();
}, 240_000);
