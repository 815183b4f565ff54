/** The command line as a user has it: bin/tierwise.js as a process of its own, in a folder of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { projectRoot } from '../../src/root.ts';
import type { Run } from '../../src/run/document.ts';
import { readRun } from '../../src/run/store.ts';

const program = join(projectRoot, 'bin/tierwise.js');

/** The library of planted bugs. */
export const mutants = join(projectRoot, 'target/release/libtierwise_mutants.so');

export interface Ended {
  /** null: a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts tierwise; what it says is kept. */
export function start(
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>> = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const { NO_COLOR: _, FORCE_COLOR: __, ...clean } = process.env;
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: { ...clean, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject).on('close', status => resolve({ status, ...said }));
  });
  return { child, ended };
}

/** Runs tierwise to its end. */
export function tierwise(
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return start(args, folder, env).ended;
}

/** An empty folder; who makes it removes it. */
export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'tierwise-test-'));
}

/** An empty folder that is gone after the test. */
export function tempFolder(): string {
  const folder = makeFolder();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Everything in a folder, by path, with its content. */
export function contentOf(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries.map(entry => {
      const path = join(entry.parentPath, entry.name);
      return [path, entry.isFile() ? readFileSync(path, 'latin1') : 'a folder'];
    }),
  );
}

/** Checks, and reads the run document that this leaves. */
export async function check(args: readonly string[], folder: string): Promise<Ended & { run: Run }> {
  const ended = await tierwise(['check', ...args, '--json', 'run.json'], folder);
  const file = join(folder, 'run.json');
  if (!existsSync(file)) throw new Error(`check left no run: ${ended.stderr}`);
  return { ...ended, run: readRun(file) };
}
