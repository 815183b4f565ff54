/**
 * Failure files: all that it takes to run a finding again, anywhere.
 */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Case, caseSchema, ops } from '../case/case.ts';
import { readChecked, writeJson } from '../run/store.ts';
import { UsageError } from '../usage-error.ts';

export const failureVersion = 1;

const failureSchema = z.strictObject({
  version: z.literal(failureVersion),
  kernel: z.strictObject({
    provider: z.string(),
    /** The library's path as it was given; null: the built-in kernels. */
    library: z.string().nullable(),
    /** What its code was: see a run's providers. */
    build: z.string(),
    op: z.enum(ops),
    name: z.string(),
    tier: z.string(),
  }),
  /** Which property does not hold, and how it looked. */
  property: z.string(),
  message: z.string(),
  /** Where in which run it was found. */
  found: z.strictObject({ seed: z.int().nonnegative(), k: z.int().nonnegative() }),
  case: caseSchema,
});
/** A failure file's content. */
export type Failure = z.infer<typeof failureSchema>;

/** A name that tells the cell and is the same for the same failure. */
export function failureName({ kernel, property, case: c }: Failure, dtype: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([kernel.provider, property, c]))
    .digest('hex')
    .slice(0, 8);
  const parts = [kernel.op, kernel.provider, kernel.name, kernel.tier, dtype, property, digest];
  return `${parts.join('-').replace(/[^\w.-]+/g, '_')}.json`;
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
  checkViews(path, failure.case);
  return failure;
}

/** Refuses cases whose tensors name no buffer: their bytes could not be made. */
function checkViews(path: string, c: Case): void {
  for (const [role, { buffer, shape, strides }] of Object.entries(c.tensors)) {
    if (buffer !== null && !(buffer in c.buffers)) {
      throw new UsageError(
        `${path}: tensor ${role} lies in buffer "${buffer}", and there is none of that name`,
      );
    }
    if (shape.length !== strides.length) {
      throw new UsageError(`${path}: tensor ${role} has ${shape.length} sizes and ${strides.length} strides`);
    }
  }
}
