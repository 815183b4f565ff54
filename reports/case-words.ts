/** A case in words: short enough to see at a glance what is special about it. */

import { type Case, countOf, inputsOf, outputsOf, type TensorSpec } from '../src/case/case.ts';
import { decodeAll, type FloatDtype } from '../src/case/dtype.ts';
import { makeValues, type Patch, type Recipe } from '../src/case/recipe.ts';
import { bytes, counted, list } from './format.ts';

/** Strides of a tensor without gaps, in elements. */
function contiguous(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let next = 1;
  for (const size of shape.toReversed()) {
    strides.unshift(next);
    next *= size;
  }
  return strides;
}

/** Strides are worth a word only where they say something: not of dimensions of size 1. */
function strided({ shape, strides }: TensorSpec): boolean {
  const plain = contiguous(shape);
  return shape.some((size, i) => size > 1 && strides[i] !== plain[i]);
}

function patchWords({ start, count, step, value }: Patch): string {
  const where = count === 1 ? `at ${start}` : `${count} from ${start}${step > 1 ? ` by ${step}` : ''}`;
  return `${value} ${where}`;
}

/** What a tensor holds: `normal × 0.5, seed 7; nan at 12`. */
export function recipeWords({ kind, seed, scale, values, fixture, rows, patches, ulps }: Recipe): string {
  const scaled = scale === 1 ? '' : ` × ${scale}`;
  const particular: Partial<Record<Recipe['kind'], string>> = {
    constant: `every element ${scale}`,
    zeros: `zeros of both signs, seed ${seed}`,
    ramp: `ramp${scaled}`,
    stairs: `stairs${scaled}`,
    list: `${(values ?? [0]).join(', ')}${scaled}`,
    fixture: `${fixture}${scaled}`,
  };
  const base = particular[kind] ?? `${kind}${scaled}, seed ${seed}`;
  const order = rows ? `, rows ${rows.join(', ')}` : '';
  const patched = patches.length > 0 ? `; ${patches.map(patchWords).join(', ')}` : '';
  const steps = ulps === undefined ? '' : `, of each ${ulps} ulps`;
  return base + steps + order + patched;
}

/** Tensors of so many elements show them. */
const fewElements = 8;

/** The elements of a small tensor whose recipe does not tell them: `1, -0.5, Infinity`. */
function elementWords({ data, shape, dtype }: TensorSpec): string {
  const told = !data || data.kind === 'list' || data.kind === 'constant' || dtype === 'i32';
  const count = countOf(shape);
  if (told || count === 0 || count > fewElements) return '';
  const values = decodeAll(makeValues(data, shape, dtype as FloatDtype), dtype as FloatDtype);
  const word = (value: number) => (Object.is(value, -0) ? '-0' : String(Number(value.toPrecision(6))));
  return `: ${Array.from(values, word).join(', ')}`;
}

/** A tensor in words: `f32 [1, 4]`, its strides where they are not plain, what it holds. */
export function tensorWords(tensor: TensorSpec): { type: string; layout: string; holds: string } {
  const { dtype, shape, strides, data, offset } = tensor;
  const layout = [strided(tensor) && `strides [${strides.join(', ')}]`, offset > 0 && `offset ${offset}`];
  return {
    type: `${dtype} [${shape.join(', ')}]`,
    layout: layout.filter(Boolean).join(', '),
    holds: tensor.buffer === null ? 'NULL' : data ? recipeWords(data) + elementWords(tensor) : '',
  };
}

/** A parameter as text; nested ones (RoPE's scaling) on one line. */
function valueWords(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([k, v]) => (k === 'type' ? String(v) : `${k} ${String(v)}`))
    .join(', ');
}

export function paramWords(c: Case): { name: string; value: string }[] {
  return Object.entries(c.params).map(([name, value]) => ({ name, value: valueWords(value) }));
}

/** Which outputs lie on which inputs: `y in place of x`. */
function inPlace(c: Case): string[] {
  return outputsOf(c).flatMap(output => {
    const { buffer, offset } = c.tensors[output];
    const under = inputsOf(c).filter(i => {
      const t = c.tensors[i];
      return buffer !== null && t.buffer === buffer && t.offset === offset;
    });
    return under.map(input => `${output} in place of ${input}`);
  });
}

/** Where the buffers lie: `x, y flush to the end guard`. */
export function placementWords(c: Case): string {
  const edges = (['end', 'start'] as const).flatMap(edge => {
    const names = Object.keys(c.buffers).filter(name => c.buffers[name].edge === edge);
    return names.length > 0 ? [`${list(names)} flush to the ${edge} guard`] : [];
  });
  const sparse = Object.keys(c.buffers).filter(name => c.buffers[name].sparse);
  return [...edges, ...(sparse.length > 0 ? [`${list(sparse)} sparse`] : []), ...inPlace(c)].join('; ');
}

/** The size of a case's memory and what its gaps hold. */
export function memoryWords(c: Case): string {
  const total = Object.values(c.buffers).reduce((sum, b) => sum + b.bytes, 0);
  const poisons = [...new Set(Object.values(c.buffers).map(b => b.poison))];
  return `${counted(Object.keys(c.buffers).length, 'buffer')}, ${bytes(total)}; gaps hold ${list(poisons)}`;
}

/** A deliberate lie about the call, which has to be refused. */
export function lieWords(c: Case): string {
  return Object.entries(c.lie ?? {})
    .map(([what, by]) => `${what} ${Number(by) >= 0 ? '+' : ''}${by} bytes`)
    .join(', ');
}
