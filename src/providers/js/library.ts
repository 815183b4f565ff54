/** A module's exports as a library: its table, read once and then trusted. */

import { basename } from 'node:path';
import { z } from 'zod';
import { numericsNames } from '../../case/numerics.ts';
import type { Promised } from '../../case/promise.ts';
import { promiseBits, type TableRow, unsurveyed } from '../protocol.ts';
import { type Args, jsTier } from './kernel.ts';

/** A module of kernels. */
export interface JsLibrary {
  readonly name: string;
  readonly version: string;
  readonly rows: readonly TableRow[];
  /** By row. What it returns is whatever the author's code returns. */
  readonly run: readonly ((args: Args) => unknown)[];
}

const callable = z.custom<(...args: never[]) => unknown>(
  value => typeof value === 'function',
  'it is no function',
);
const text = z.string().min(1);

const moduleSchema = z.object({
  name: text.optional(),
  version: text.default('0'),
  kernels: z.array(
    z.strictObject({
      op: text,
      name: text,
      tier: text.default(jsTier),
      available: callable.default(() => () => true),
      numerics: z.enum(numericsNames).default('f32'),
      promises: z.array(z.enum(Object.keys(promiseBits) as [Promised, ...Promised[]])).default([]),
      run: callable,
    }),
  ),
});

/**
 * Reads what a module exports.
 *
 * @throws Error that names the export and what is wrong with it.
 */
export function readLibrary(exports: unknown, path: string): JsLibrary {
  const { data, error } = moduleSchema.safeParse(exports);
  if (error) {
    const [{ path: at, message }] = error.issues;
    const place = at.map(step => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
    throw new Error(`it exports no kernels: at ${place.slice(1) || 'its exports'}: ${message}`);
  }
  const rows = data.kernels.map(({ op, name, tier, available, numerics, promises }) => ({
    op,
    name,
    tier,
    available: available() === true,
    numerics: numericsNames.indexOf(numerics),
    promises: promises.reduce((bits, promise) => bits | promiseBits[promise], 0),
    code: unsurveyed,
  }));
  const ids = rows.map(({ op, name, tier }) => `${op}/${name}/${tier}`);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice) throw new Error(`it exports two kernels ${twice}`);
  return {
    name: data.name ?? basename(path).replace(/\.m?[jt]s$/, ''),
    version: data.version,
    rows,
    run: data.kernels.map(({ run }) => run as (args: Args) => unknown),
  };
}
