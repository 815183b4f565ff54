/** The audit: every planted bug is found, no correct kernel is, and what came of it is in the run document. */

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ownManifest, readManifest, rowOf } from '../src/audit/manifest.ts';
import type { Audit } from '../src/run/document.ts';
import { readRun } from '../src/run/store.ts';
import { check, type Ended, makeFolder, mutants, tempFolder, tierwise } from './testing/cli.ts';

const entries = readManifest(ownManifest);
const rows = entries.filter(entry => entry.is === 'broken' && rowOf(entry.name) !== null);
const named = (kernels: readonly { readonly name: string }[]) => kernels.map(({ name }) => name).join();

async function audit(args: readonly string[], folder: string): Promise<Ended & { audit: Audit }> {
  const ended = await tierwise(['audit', ...args, '--json', 'audit.json'], folder);
  if (!existsSync(join(folder, 'audit.json'))) throw new Error(`audit left no run: ${ended.stderr}`);
  return { ...ended, audit: readRun(join(folder, 'audit.json')).audit! };
}

describe('of the rows of the bug catalogue', () => {
  let audited: Ended & { audit: Audit };
  beforeAll(async () => {
    // Other tests have the processors meanwhile: as many cases as the default budget has on a machine of its own.
    audited = await audit(['--kernel', named(rows), '--budget', '10s'], makeFolder());
  }, 600_000);

  test('none survives without a reason', () => {
    const alive = audited.audit.rows.filter(row => row.cases > 0 && !row.killed && !row.survives);
    expect(alive.map(({ kernel }) => kernel)).toEqual([]);
    expect(audited.status).toBe(0);
  });

  test('the run document holds what the terminal shows', () => {
    for (const { kernel, killed } of audited.audit.rows) {
      const line = audited.stdout.split('\n').find(text => text.includes(kernel))!;
      if (killed) expect(line).toMatch(new RegExp(`^killed +${kernel} .*${killed.property}`));
      else expect(line).toMatch(/^(not run|out of reach) /);
    }
    expect(audited.stdout).toMatch(/\d+ of \d+ planted bugs killed within 10 s each; median \d+ ms/);
  });
});

test('correct kernels of unusual form pass', async () => {
  const correct = entries.filter(entry => entry.is === 'correct');
  expect(correct.length).toBeGreaterThanOrEqual(20);
  const { run } = await check(
    ['--library', mutants, '--kernel', named(correct), '--cases', '150'],
    tempFolder(),
  );
  const cells = run.cells.filter(cell =>
    correct.some(({ op, name, tier }) => op === cell.op && name === cell.kernel && tier === cell.tier),
  );
  expect(cells.filter(cell => cell.verdict === 'fail').map(cell => `${cell.kernel}: ${cell.reason}`)).toEqual(
    [],
  );
});

describe('the audit fails', () => {
  /** An audit of one kernel, by a manifest that says something else of it. */
  async function misled(name: string, says: object): Promise<Ended & { audit: Audit }> {
    const folder = tempFolder();
    const { op, tier } = entries.find(entry => entry.name === name)!;
    const kernels = [{ op, name, tier, ...says }];
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ version: 1, kernels }));
    return audit(['--manifest', 'manifest.json', '--kernel', name, '--budget', '300ms'], folder);
  }

  test('when a bug survives, and says so', async () => {
    const says = { is: 'broken', bug: 'none', trigger: 'never', by: 'equivalence' };
    const { status, stdout, audit } = await misled('tiles', says);
    expect(status).toBe(1);
    expect(audit.rows).toMatchObject([{ kernel: 'tiles', killed: null }]);
    expect(stdout).toMatch(/SURVIVES +tiles/);
  });

  test('but not when there is a reason why none could find it', async () => {
    const says = { is: 'broken', bug: 'none', trigger: 'never', by: 'equivalence', survives: 'it is none' };
    const { status, stdout } = await misled('tiles', says);
    expect(status).toBe(0);
    expect(stdout).toMatch(/tiles: none\. Trigger: never\. Not found: it is none/);
  });

  test('at a false alarm, with its failure file', async () => {
    const { status, stdout } = await misled('returns-nan', { is: 'correct', form: 'wrong' });
    expect(status).toBe(1);
    expect(stdout).toMatch(/3 false alarms in [\d,]+ elements of 1 correct kernel/);
    expect(stdout).toContain('tierwise replay .tierwise/failures/');
  });
});
