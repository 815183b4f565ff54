/** Real data, committed with its provenance under suites/fixtures/. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '../root.ts';

const manifestSchema = z.object({
  version: z.literal(1),
  rmsEpsilon: z.number(),
  tensors: z.array(
    z.object({
      name: z.string(),
      shape: z.array(z.int().positive()),
      dtype: z.literal('f32'),
      byteOffset: z.int().nonnegative(),
      byteLength: z.int().positive(),
      sha256: z.string(),
    }),
  ),
});

const loaded = new Map<string, Float32Array>();

/**
 * The values of a fixture's tensor.
 *
 * @param name - `set/tensor`, for example `smollm2/token_embd`.
 * @throws when there is no such fixture, or when its bytes are not those of its manifest.
 */
export function fixtureValues(name: string): Float32Array {
  const known = loaded.get(name);
  if (known) return known;
  const [set, tensorName] = name.split('/');
  const folder = join(projectRoot, 'suites/fixtures', set);
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(folder, 'fixture.json'), 'utf8')));
  const tensor = manifest.tensors.find(t => t.name === tensorName);
  if (!tensor) {
    const names = manifest.tensors.map(t => `${set}/${t.name}`).join(', ');
    throw new Error(`no fixture tensor "${name}"; there is ${names}`);
  }
  const file = readFileSync(join(folder, `${set}.bin`));
  const bytes = file.subarray(tensor.byteOffset, tensor.byteOffset + tensor.byteLength);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== tensor.sha256) {
    throw new Error(
      `fixture tensor "${name}" in ${set}.bin is damaged: sha256 ${digest}, manifest says ${tensor.sha256}`,
    );
  }
  const values = new Float32Array(new Uint8Array(bytes).buffer);
  loaded.set(name, values);
  return values;
}
