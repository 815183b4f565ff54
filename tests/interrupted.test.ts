/** Ends that nobody planned: killed at any moment, a full disk, a read-only folder. No run is damaged, none lost. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { greenRun } from '../reports/testing/sample.ts';
import { readFailure } from '../src/check/failure-file.ts';
import { projectRoot } from '../src/root.ts';
import { readRun, writeRun } from '../src/run/store.ts';
import { contentOf, mutants, start, tempFolder, tierwise } from './testing/cli.ts';

const finds = ['--library', mutants, '--kernel', 'ignores-eps', '--dtype', 'f32', '--cases', '40'];
const line = ['check', ...finds, '--workers', '1', '--json', 'run.json', '--failures', 'failures'];

/** What is kept of a check is whole: the run, and every failure file. */
function expectWhole(folder: string): void {
  readRun(join(folder, 'run.json'));
  const failures = join(folder, 'failures');
  if (!existsSync(failures)) return;
  for (const name of readdirSync(failures).filter(name => name.endsWith('.json'))) {
    readFailure(join(failures, name));
  }
}

describe('killed', () => {
  test('an engine, at any of 20 moments from its start to its end: the last finished run is there, whole', async () => {
    const first = tempFolder();
    const begun = Date.now();
    expect((await tierwise(line, first)).status).toBe(1);
    const lasts = Date.now() - begun;
    let killed = 0;
    for (let moment = 0; moment < 20; moment++) {
      const folder = tempFolder();
      writeRun(join(folder, 'run.json'), greenRun());
      const { child, ended } = start(line, folder);
      await sleep((lasts * (moment + 1)) / 20);
      child.kill('SIGKILL');
      if ((await ended).status === null) killed++;
      expectWhole(folder);
    }
    expect(killed).toBeGreaterThan(10);
  }, 180_000);

  test('a process that writes one run after the other, at 30 moments: what is there is one of them', async () => {
    const folder = tempFolder();
    const path = join(folder, 'run.json');
    const run = greenRun();
    writeRun(path, run);
    const script = `
      const { readRun, writeRun } = await import(${JSON.stringify(join(projectRoot, 'dist/src/run/store.js'))});
      const run = readRun(${JSON.stringify(path)});
      process.stdout.write('ready');
      for (let seconds = 1; ; seconds++) writeRun(${JSON.stringify(path)}, { ...run, seconds });`;
    const seen = new Set<number>();
    for (let moment = 0; moment < 30; moment++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
      const ended = new Promise(resolve => child.on('close', resolve));
      await new Promise(resolve => child.stdout.once('data', resolve));
      await sleep(3 * moment);
      child.kill('SIGKILL');
      await ended;
      const { seconds, ...rest } = readRun(path);
      seen.add(seconds);
      expect({ ...rest, seconds: 0 }).toEqual({ ...run, seconds: 0 });
    }
    expect(seen.size).toBeGreaterThan(3);
  }, 120_000);
});

/** A file system of its own in a folder, unmounted after the test; undefined, with the reason, where that is not permitted. */
function mounted(options: string, prepare: (folder: string) => void = () => {}): string | { why: string } {
  const folder = join(tempFolder(), 'mounted');
  mkdirSync(folder);
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  if (status !== 0)
    return { why: `no tmpfs can be mounted here: ${error?.message ?? String(stderr).trim()}` };
  onTestFinished(() => {
    execFileSync('umount', [folder]);
  });
  prepare(folder);
  return folder;
}

/** Fills a file system to its last byte but `left`. */
function fill(folder: string, left: number): void {
  const page = Buffer.alloc(4096);
  const chunks: Buffer[] = [];
  for (let bytes = 0; bytes < left; bytes += page.length) chunks.push(page);
  if (chunks.length > 0) writeFileSync(join(folder, 'reserve'), Buffer.concat(chunks));
  spawnSync('sh', ['-c', 'cat /dev/zero > filler'], { cwd: folder });
  spawnSync('rm', ['-f', join(folder, 'reserve')]);
}

describe('a full disk', () => {
  test('the finished run on it stays, what was found is told, exit code 2', async context => {
    const folder = mounted('size=1m', where => {
      writeRun(join(where, 'run.json'), greenRun());
      fill(where, 0);
    });
    if (typeof folder !== 'string') return context.skip(folder.why);
    const before = contentOf(folder);
    const elsewhere = join(tempFolder(), 'failures');
    const args = ['check', ...finds, '--json', 'run.json', '--failures', elsewhere];
    const { status, stdout, stderr } = await tierwise(args, folder);
    expect(stderr).toMatch(/^tierwise: cannot write run\.json: ENOSPC: no space left on device/m);
    expect(stdout).toMatch(/✗ mutants\/rms_norm\/ignores-eps\/\w+ f32: /);
    expect(status).toBe(2);
    expect(contentOf(folder)).toEqual(before);
    expect(readdirSync(elsewhere).length).toBeGreaterThan(0);
    expectWhole(folder);
  }, 60_000);

  test('where failure files do not fit, the run holds their cases', async context => {
    const full = mounted('size=64k', where => fill(where, 0));
    if (typeof full !== 'string') return context.skip(full.why);
    const folder = tempFolder();
    const args = ['check', ...finds, '--json', 'run.json', '--failures', full];
    const { status, stderr } = await tierwise(args, folder);
    expect(stderr).toMatch(/^tierwise: cannot write .*\.json: ENOSPC.*; the run document holds its case$/m);
    expect(status).toBe(2);
    expect(readRun(join(folder, 'run.json')).findings.length).toBeGreaterThan(0);
    expect(readdirSync(full)).toEqual(['filler']);
  }, 60_000);

  test.for([
    ['report', (run: string) => ['report', run, '-o', 'report.html'], /cannot write report\.html: ENOSPC/],
    ['merge', (run: string) => ['merge', run, '-o', 'merged.json'], /cannot write merged\.json: ENOSPC/],
    ['gate', (run: string) => ['gate', run, '--junit', 'gate.xml'], /cannot write gate\.xml: ENOSPC/],
  ] as const)('%s leaves nothing half written', async ([, args, says], context) => {
    const folder = mounted('size=64k', where => fill(where, 0));
    if (typeof folder !== 'string') return context.skip(folder.why);
    const run = join(tempFolder(), 'run.json');
    writeRun(run, greenRun());
    const { status, stderr } = await tierwise(args(run), folder);
    expect(stderr).toMatch(says);
    expect(status).toBe(2);
    expect(readdirSync(folder)).toEqual(['filler']);
  });
});

test('a read-only folder is told before the work, and stays as it is', async context => {
  const folder = mounted('size=1m', where => {
    writeRun(join(where, 'run.json'), greenRun());
    execFileSync('mount', ['-o', 'remount,ro', where]);
  });
  if (typeof folder !== 'string') return context.skip(folder.why);
  const before = readFileSync(join(folder, 'run.json'));
  const begun = Date.now();
  const { status, stdout, stderr } = await tierwise(line, folder);
  expect(stderr).toMatch(/^tierwise: cannot write run\.json: EROFS: read-only file system.*\n$/);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(Date.now() - begun).toBeLessThan(20_000);
  expect(readFileSync(join(folder, 'run.json'))).toEqual(before);
  expect(statSync(join(folder, 'run.json')).size).toBeGreaterThan(1000);
});
