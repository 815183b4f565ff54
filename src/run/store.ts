/** Files that cross a boundary: checked when read, whole or not there when written. */

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
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
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${path} is not a ${what}: ${error instanceof Error ? error.message : error}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue.path.length ? `at ${z.core.toDotPath(issue.path)}: ` : '';
  throw new UsageError(`${path} is not a ${what} of a version known here: ${place}${issue.message}`);
}

/** Writes a file whole or not at all: beside its place first, then moved there. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const beside = `${path}.${process.pid}.part`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(beside, content, { flush: true });
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw new UsageError(`cannot write ${path}: ${error instanceof Error ? error.message : error}`);
  }
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
