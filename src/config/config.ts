/**
 * `tierwise.config.ts`: what a run does, and what the gate wants to have seen of it.
 *
 *     import { defineConfig } from 'tierwise/config';
 *     export default defineConfig({
 *       libraries: ['build/libmine.so'],
 *       require: [{ provider: 'mine', tiers: ['scalar', 'avx2'], dtypes: ['f32'] }],
 *     });
 *
 * Paths are relative to the file. Options on the command line win. docs/gate.md shows all of it at work.
 */

import { z } from 'zod';
import { ops } from '../case/case.ts';
import { floatDtypes } from '../case/dtype.ts';

const name = z.string().min(1);
const path = z.string().min(1);
const names = z.array(name).min(1);
const atLeast = z.int().nonnegative();
const share = z.number().min(0).max(1);

const requirementSchema = z.strictObject({
  /** Whose cells: `native`, or the name that a library gives itself. Default: everyone the run is about. */
  provider: name.optional(),
  /** Default: every op that the provider has kernels for. */
  ops: z.array(z.enum(ops)).min(1).optional(),
  /** Names of kernels that must be there, each in every tier. Default: whichever the provider has, at least one. */
  kernels: names.optional(),
  /** Default: the tiers that the provider has kernels for and a machine of the run can execute. */
  tiers: names.optional(),
  /** Types of x (q for gqa). Default: all three. */
  dtypes: z.array(z.enum(floatDtypes)).min(1).optional(),
});
export type Requirement = z.output<typeof requirementSchema>;

const evidenceSchema = z.strictObject({
  /** Cases that a required cell was executed and judged on, at least. Default: 100. */
  cases: atLeast.default(100),
  /** Output elements that were compared, at least. Default: 10000. */
  elements: atLeast.default(10_000),
  /** Cases that the kernel accepted, of those that it was asked, at least: 0 to 1. Default: 0. */
  supported: share.default(0),
  /** Properties that it was asked for, at least once, by name. Default: none by name. */
  properties: z.array(name).default([]),
  /** Edges of a required op's dimensions that some case stood on, of all that there are: 0 to 1. Default: 0. */
  edges: share.default(0),
  /** Whether cells count that were executed on emulated CPUs alone. Default: false. */
  emulated: z.boolean().default(false),
});
export type LeastEvidence = z.output<typeof evidenceSchema>;

const knownSchema = z.strictObject({
  /** The cells that it is about; what is absent matches all. */
  provider: name.optional(),
  op: z.enum(ops).optional(),
  kernel: name.optional(),
  tier: name.optional(),
  dtype: z.enum(floatDtypes).optional(),
  /** The property that fails: `equivalence`, `survival`, ... as the finding names it. */
  property: name,
  /** Why it may stand for now. */
  reason: name,
  /** The last day on which it may, UTC: `2027-01-31`. From then on it is red again. */
  until: z.iso.date(),
});
export type Known = z.output<typeof knownSchema>;

export const configSchema = z.strictObject({
  /** Shared libraries of kernels, instead of the native ones. */
  libraries: z.array(path).min(1).optional(),
  /** Only these providers: names of libraries, `native`. */
  providers: names.optional(),
  /** Which sequence of cases. Default: 1. */
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
  /** Cases for each op. Default: as many as the budget allows. */
  cases: z.int().min(1).optional(),
  /** How long to check each op: `30s`, `2m`, `500ms`. Default: 3 s for each of its kernels, 12 s at least. */
  budget: z
    .string()
    .regex(/^\d+(\.\d+)?(ms|s|m)$/, 'it takes a time such as 30s, 2m or 500ms')
    .optional(),
  /** A folder of case files (`*.json`), which every kernel of their op is asked first. */
  ownCases: path.optional(),
  /** A folder of failure files (`*.json`) that were mended once: each is asked again, before anything else. */
  regressions: path.optional(),
  /** What must have been executed and hold. Default: one row, with all of its defaults. */
  require: z.array(requirementSchema).min(1).default([{}]),
  /** How much of it makes a proof. */
  evidence: evidenceSchema.prefault({}),
  /** Failures that may stand for now. */
  known: z.array(knownSchema).default([]),
});
/** What a config file says. */
export type Config = z.input<typeof configSchema>;
/** The same with its defaults, and with absolute paths. */
export type Settings = z.output<typeof configSchema>;

/** Gives a config its type. */
export function defineConfig(config: Config): Config {
  return config;
}
