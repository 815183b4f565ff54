/** How golden vectors hold tensors. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Bits, bitsOf, encodeAll, type FloatDtype, powerOfTwo } from '../../src/case/dtype.ts';
import { projectRoot } from '../../src/root.ts';

/** Stored elements in hexadecimal, one behind the other; or element i is ((a i + b) mod m - c) 2^e. */
export const numbersSchema = z.union([
  z.object({ bits: z.string() }),
  z.object({ a: z.int(), b: z.int(), m: z.int(), c: z.int(), e: z.int() }),
]);
type Numbers = z.infer<typeof numbersSchema>;

/** The elements of a tensor. */
export function stored(numbers: Numbers, count: number, dtype: FloatDtype): Bits {
  if ('bits' in numbers) return fromHex(numbers.bits, dtype);
  const { a, b, m, c, e } = numbers;
  return encodeAll(
    Float64Array.from({ length: count }, (_, i) => (((a * i + b) % m) - c) * powerOfTwo(e)),
    dtype,
  );
}

/** Stored bits from hexadecimal. */
export function fromHex(text: string, dtype: FloatDtype): Bits {
  const digits = dtype === 'f32' ? 8 : 4;
  const bits = bitsOf(dtype, text.length / digits);
  for (let i = 0; i < bits.length; i++)
    bits[i] = Number.parseInt(text.slice(i * digits, (i + 1) * digits), 16);
  return bits;
}

/** The vectors of one op's file. */
export function vectorsOf<V>(op: string, vectorSchema: z.ZodType<V>): V[] {
  const file = join(projectRoot, `reference/golden/${op}.json`);
  const schema = z.object({ version: z.literal(1), vectors: z.array(vectorSchema) });
  return schema.parse(JSON.parse(readFileSync(file, 'utf8'))).vectors;
}
