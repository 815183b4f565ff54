/**
 * Failure files: all that it takes to run a finding again, anywhere.
 */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { caseSchema, ops } from '../case/case.ts';
import { faultOf } from '../case/sound.ts';
import { readChecked, writeJson } from '../run/store.ts';
import { UsageError } from '../usage-error.ts';

export const failureVersion = 1;

const failureSchema = z.strictObject({
  version: z.literal(failureVersion),
  kernel: z.strictObject({
    provider: z.string(),
    /** The library's path as it was given; null: the provider is known by its name. */
    library: z.string().nullable(),
    /** What its code was: see a run's providers. */
    build: z.string(),
    op: z.enum(ops),
    name: z.string(),
    tier: z.string(),
  }),
  /** The CPU that was emulated; absent: none was. */
  emulated: z.string().min(1).optional(),
  /** Which property does not hold, and how it looked. */
  property: z.string(),
  message: z.string(),
  /** Where in which run it was found. */
  found: z.strictObject({ seed: z.int().nonnegative(), k: z.int().nonnegative() }),
  case: caseSchema,
});
/** A failure file's content. */
export type Failure = z.infer<typeof failureSchema>;

/** Characters of a name before its digest: file systems take 255 bytes, and a library's names may be long. */
const longestName = 160;

/** A name that tells the cell and is the same for the same failure. */
export function failureName({ kernel, emulated, property, case: c }: Failure, dtype: string): string {
  const { provider, op, name, tier } = kernel;
  const digest = createHash('sha256')
    .update(JSON.stringify([provider, op, name, tier, ...(emulated ? [emulated] : []), property, c]))
    .digest('hex')
    .slice(0, 8);
  const words = [op, provider, name, tier, dtype, property].join('-').replace(/[^\w.-]+/g, '_');
  return `${words.slice(0, longestName)}-${digest}.json`;
}

export function writeFailure(path: string, failure: Failure): void {
  writeJson(path, failure);
}

/**
 * Reads a failure file.
 *
 * @throws UsageError that names the place where it is damaged.
 */
export function readFailure(path: string): Failure {
  const failure = readChecked(path, 'failure file', failureSchema);
  const { kernel, case: c } = failure;
  const fault = kernel.op === c.op ? faultOf(c) : `op: the kernel is of ${kernel.op} and its case of ${c.op}`;
  if (fault) throw new UsageError(`${path} is not a failure file that can be run: at case.${fault}`);
  return failure;
}
