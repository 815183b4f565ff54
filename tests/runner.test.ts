/** Deaths from outside: of runners while they are at work, and of the engine that started them. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { readRun } from '../src/run/store.ts';
import { contentOf, mutants, start, tempFolder, tierwise } from './testing/cli.ts';

/** Processes that this one started and that live, by /proc (proc_pid_stat(5): state and ppid follow the name). */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => {
      const [state, ppid] = statOf(pid);
      return Number(ppid) === parent && state !== 'Z';
    });
}

function statOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return [];
  }
}

/** Its own runners; a check starts git as well. */
function runnersOf(parent: number): number[] {
  return childrenOf(parent).filter(pid => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('tierwise-runner');
    } catch {
      return false;
    }
  });
}

async function until<T>(look: () => T | undefined | false, seconds: number): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(10)) {
    const seen = look();
    if (seen) return seen;
  }
  throw new Error(`not seen in ${seconds} s: ${look}`);
}

/** Runners, once there are as many that last: those that read tables come one after the other, and go. */
async function runners(parent: number, count: number): Promise<number[]> {
  let before: number[] = [];
  for (let tries = 0; tries < 200; tries++) {
    const now = runnersOf(parent);
    const lasting = now.filter(pid => before.includes(pid));
    if (lasting.length >= count) return lasting;
    before = now;
    await sleep(100);
  }
  throw new Error(`never ${count} runners`);
}

const line = ['check', '--dtype', 'f16', '--cases', '600', '--workers', '2', '--json', 'run.json'];
const plain = (folder: string) => {
  const { cells, findings, edges } = readRun(join(folder, 'run.json'));
  return { cells, findings, edges };
};

// A call of one kernel is asked again by itself; of several, each is.
test.each(['scalar', 'scalar,sse2'])(
  'runners of %s that are killed in the middle of a check are started again, and it comes to the same',
  async tiers => {
    const args = [...line, '--tier', tiers];
    const [quiet, troubled] = [tempFolder(), tempFolder()];
    expect((await tierwise(args, quiet)).status).toBe(0);
    const { child, ended } = start(args, troubled);
    const killed = new Set<number>();
    // What can't be loaded is no check: those that read tables are let alone.
    await runners(child.pid!, 2);
    // Apart far enough that no case meets more than one.
    while (child.exitCode === null && killed.size < 8) {
      for (const pid of runnersOf(child.pid!).slice(0, 1)) {
        killed.add(pid);
        process.kill(pid, 'SIGKILL');
      }
      await sleep(80);
    }
    const { status, stderr } = await ended;
    expect(killed.size).toBeGreaterThan(2);
    expect(stderr).not.toContain('should not happen');
    expect(status).toBe(0);
    expect(plain(troubled)).toEqual(plain(quiet));
  },
);

test('a runner that stands still does not stop the check', async () => {
  const folder = tempFolder();
  const { child, ended } = start(line, folder);
  const [pid] = await runners(child.pid!, 2);
  await sleep(200);
  process.kill(pid, 'SIGSTOP');
  const { status, stderr } = await ended;
  expect(stderr).not.toContain('should not happen');
  // The case that it stood still in is run again by itself, or is a finding.
  if (status !== 0)
    expect(plain(folder).findings.map(f => f.message)).toEqual([expect.stringMatching(/no answer in/)]);
  expect(plain(folder).cells.length).toBeGreaterThan(0);
  expect(statOf(pid)).toEqual([]);
});

test.each([
  ['at work', line],
  ['in a kernel that never returns', ['check', '--library', mutants, '--kernel', 'never-returns']],
])('an engine that is killed leaves no runner and no half of a run: %s', async (_, args) => {
  const folder = tempFolder();
  const { child, ended } = start(args, folder);
  const pids = await runners(child.pid!, 2);
  await sleep(150);
  child.kill('SIGKILL');
  expect((await ended).status).toBeNull();
  await until(() => pids.every(pid => statOf(pid).length === 0 || statOf(pid)[0] === 'Z'), 3);
  expect(contentOf(folder)).toEqual({});
});

describe('interrupted, as Ctrl-C does it', () => {
  const args = [
    'check',
    '--library',
    mutants,
    '--kernel',
    'ignores-eps',
    '--dtype',
    'f32',
    '--json',
    'run.json',
  ];
  /** The signal reaches the engine and its runners, as every process of a terminal. */
  const interrupted = async (times: number) => {
    const folder = tempFolder();
    const { child, ended } = start([...args, '--budget', '60s', '--failures', 'failures'], folder);
    const pids = await runners(child.pid!, 2);
    await sleep(1000);
    for (const pid of pids) process.kill(pid, 'SIGINT');
    await sleep(50);
    expect(runnersOf(child.pid!)).toEqual(expect.arrayContaining(pids));
    for (let time = 0; time < times; time++) {
      child.kill('SIGINT');
      await sleep(20);
    }
    return { folder, ...(await ended) };
  };

  test('once: what was found is told and written down, and the run says that it is not whole', async () => {
    const { folder, status, stdout, stderr } = await interrupted(1);
    expect(status).toBe(2);
    expect(stderr).toContain('SIGINT: no more cases');
    const { findings, mishaps, throughput } = readRun(join(folder, 'run.json'));
    expect(findings.map(({ property }) => property)).toContain('equivalence');
    expect(findings.every(({ file }) => existsSync(join(folder, file)))).toBe(true);
    expect(mishaps).toEqual([
      expect.objectContaining({ message: 'interrupted by SIGINT', interrupted: true }),
    ]);
    expect(stdout).toContain(`not done, rms_norm, what comes after ${throughput!.cases} cases`);
    expect(stdout).toContain('The check is not whole.');
  });

  test('twice: it ends at once, and nothing is written', async () => {
    const { folder, status } = await interrupted(2);
    expect(status).toBeNull();
    expect(contentOf(folder)).toEqual({});
  });
});
