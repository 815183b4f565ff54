/** Files that cross a boundary: checked when read, whole or not there when written. */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../usage-error.ts';
import { type Run, runSchema } from './document.ts';

/**
 * Reads JSON and checks it.
 *
 * @param what - what the file should be, for the message: `run document`.
 * @throws UsageError that names the file, the place in it and what is wrong there.
 */
export function readChecked<T>(path: string, what: string, schema: z.ZodType<T>): T {
  return checked(path, `${what} of a version known here`, readJson(path, what), schema);
}

/** Reads JSON of which nothing is known yet. */
export function readJson(path: string, what: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new UsageError(`there is no ${what} ${path}`);
    throw new UsageError(`cannot read the ${what} ${path}: ${wordsOf(error)}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path} is not a ${what}: ${wordsOf(error)}`);
  }
}

/** Checks what came from a file. */
export function checked<T>(path: string, what: string, value: unknown, schema: z.ZodType<T>): T {
  let parsed: z.ZodSafeParseResult<T>;
  try {
    parsed = schema.safeParse(value);
  } catch (error) {
    throw new UsageError(`${path} is not a ${what}: ${wordsOf(error)}`);
  }
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue.path.length ? `at ${z.core.toDotPath(issue.path)}` : 'as a whole';
  throw new UsageError(
    `${path} is not a ${what}: ${place} it is ${shown(value, issue.path)}: ${issue.message}`,
  );
}

/** Names of the JSON files in a folder, sorted. */
export function jsonFilesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter(name => name.endsWith('.json'))
      .sort();
  } catch (error) {
    throw new UsageError(`cannot read the folder ${folder}: ${wordsOf(error)}`);
  }
}

/** What stands at a place of a value, short. */
function shown(value: unknown, path: readonly PropertyKey[]): string {
  let there = value;
  for (const step of path) there = Object(there)[step];
  let text: string;
  try {
    text = JSON.stringify(there) ?? (there === undefined ? 'missing' : typeof there);
  } catch {
    text = typeof there;
  }
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Makes sure that a file can be written, before work is done that would be lost. Leaves nothing behind.
 *
 * @throws UsageError that names the file and why it can't.
 */
export function requireWritable(path: string): void {
  try {
    if (existsSync(path) && statSync(path).isDirectory()) throw new Error('it is a folder');
    let folder = dirname(path);
    while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
    // Where folders are still to be made, the one to make them in.
    const probe = folder === dirname(path) ? besideOf(path) : join(folder, `.tierwise.${process.pid}.part`);
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (error) {
    throw new UsageError(`cannot write ${path}: ${wordsOf(error)}`);
  }
}

/** Where a file is written before it is moved to its place. */
function besideOf(path: string): string {
  return `${path}.${process.pid}.part`;
}

/** Writes a file whole or not at all: beside its place first, then moved there. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const beside = besideOf(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(beside, content, { flush: true });
    renameSync(beside, path);
  } catch (error) {
    removeQuietly(beside);
    throw new UsageError(`cannot write ${path}: ${wordsOf(error)}`);
  }
}

/** What can't be removed was not written either: its folder is none. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

export function writeJson(path: string, value: unknown): void {
  writeWhole(path, `${JSON.stringify(value, null, 1)}\n`);
}

/** Reads a run document. */
export function readRun(path: string): Run {
  return readChecked(path, 'run document', runSchema);
}

/** Writes a run document, checked against its own schema. */
export function writeRun(path: string, run: Run): void {
  writeJson(path, runSchema.parse(run));
}
