/**
 * The manifest of a library of planted bugs: what each of its kernels is, and by what a broken one must show.
 * One file for whoever builds the library and whoever judges the harness by it.
 */

import { join } from 'node:path';
import { z } from 'zod';
import { ops } from '../case/case.ts';
import { projectRoot } from '../root.ts';
import { readChecked } from '../run/store.ts';
import { UsageError } from '../usage-error.ts';

const kernel = {
  op: z.enum(ops),
  name: z.string().min(1),
  tier: z.string().min(1),
  /** For the library's build: the type that it is, and how it asks the CPU. */
  variant: z.string().optional(),
  available: z.string().optional(),
};

const correctSchema = z.strictObject({
  ...kernel,
  is: z.literal('correct'),
  /** What is unusual about it. */
  form: z.string(),
});

const brokenSchema = z.strictObject({
  ...kernel,
  is: z.literal('broken'),
  /** What it does wrong. */
  bug: z.string(),
  /** When that shows; it is right elsewhere. */
  trigger: z.string(),
  /** The property that must find it. */
  by: z.string(),
  /** Why none can find it; absent: one must. */
  survives: z.string().optional(),
});

const manifestSchema = z.strictObject({
  version: z.literal(1),
  kernels: z.array(z.discriminatedUnion('is', [correctSchema, brokenSchema])).min(1),
});

export type CorrectEntry = z.infer<typeof correctSchema>;
export type BrokenEntry = z.infer<typeof brokenSchema>;
export type Entry = CorrectEntry | BrokenEntry;

/** `op/name/tier` of an entry or a kernel. */
export function entryName({ op, name, tier }: { op: string; name: string; tier: string }): string {
  return `${op}/${name}/${tier}`;
}

/** The row of the bug catalogue that a kernel's name begins with: `RN02` of `RN02-raw-rsqrtss`; null: none. */
export function rowOf(name: string): string | null {
  return /^[A-Z]{2}\d{2}(?=-)/.exec(name)?.[0] ?? null;
}

/** The manifest of this project's planted bugs, and the library that is built from it. */
export const ownManifest = join(projectRoot, 'crates/mutants/manifest.json');
export const ownLibrary = join(projectRoot, 'target/release/libtierwise_mutants.so');

/**
 * Reads a manifest.
 *
 * @throws UsageError that names the file and what is wrong with it.
 */
export function readManifest(path: string): readonly Entry[] {
  const { kernels } = readChecked(path, 'manifest', manifestSchema);
  const names = kernels.map(entryName);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) throw new UsageError(`${path} is no manifest: ${twice} is there twice`);
  return kernels;
}
