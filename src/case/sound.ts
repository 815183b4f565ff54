/**
 * Whether the bytes of a case can be made. The schema says what a case looks like; a file by another hand may
 * look like one and still name memory that is not there.
 */

import { type Case, countOf, inputsOf, type TensorSpec } from './case.ts';
import { sizeOf } from './dtype.ts';
import { fixtureValues } from './fixture.ts';
import { extentOf, mostBytes, pageBytes, regionOf, residentBytes } from './layout.ts';
import { opWords } from './ops.ts';

/** A name as it may stand in a line. */
function short(name: string): string {
  return name.length > 40 ? `${name.slice(0, 40)}...` : name;
}

function quoted(name: string): string {
  return JSON.stringify(short(name));
}

/** Elements of one tensor: more is no case that a person waits for. */
const mostElements = 2 ** 28;
/** Bytes from the first to the last of a sparse buffer: less than half of what a process can address. */
const mostSpan = 2 ** 45;

/** What is wrong with a case, with the place where; undefined when its bytes can be made. */
export function faultOf(c: Case): string | undefined {
  const { needed, optional, outputs } = opWords[c.op];
  const known: string[] = [...needed, ...optional, ...outputs];
  for (const role of Object.keys(c.tensors)) {
    if (!known.includes(role))
      return `tensors.${short(role)}: ${c.op} has no such tensor; it has ${known.join(', ')}`;
  }
  for (const role of [...needed, outputs[0]]) {
    if (!Object.hasOwn(c.tensors, role)) return `tensors: ${c.op} needs ${role}, which is not there`;
  }
  for (const [role, tensor] of Object.entries(c.tensors)) {
    const wrong = faultOfTensor(c, role, tensor);
    if (wrong) return `tensors.${role}.${wrong}`;
  }
  let bytes = 0;
  for (const [name, buffer] of Object.entries(c.buffers)) {
    if (buffer.bytes > (buffer.sparse ? mostSpan : mostBytes)) {
      return `buffers.${short(name)}.bytes: ${buffer.bytes} are more than can be had`;
    }
    bytes += residentBytes(regionOf(name, buffer, c));
  }
  return bytes > mostBytes ? `buffers: ${bytes} bytes together are more than can be had` : undefined;
}

function faultOfTensor(c: Case, role: string, tensor: TensorSpec): string | undefined {
  const { buffer, offset, shape, strides, dtype, data } = tensor;
  if (shape.length !== strides.length) {
    return `strides: there are ${strides.length} of them for ${shape.length} sizes`;
  }
  for (const [what, numbers] of Object.entries({ shape, strides })) {
    const negative = numbers.find(number => number < 0);
    if (negative !== undefined) return `${what}: ${negative} is negative`;
  }
  const count = countOf(shape);
  if (count > mostElements) return `shape: ${count} elements are more than can be had`;
  if (inputsOf(c).includes(role) !== (data !== undefined)) {
    return data ? 'data: an output takes none' : 'data: an input needs some';
  }
  const wrong = data && faultOfData(data, dtype, count);
  if (wrong) return `data.${wrong}`;
  if (buffer === null) return count > 0 ? `buffer: ${count} elements can't be at NULL` : undefined;
  if (!Object.hasOwn(c.buffers, buffer)) return `buffer: there is no buffer ${quoted(buffer)}`;
  const { bytes, edge } = c.buffers[buffer];
  const end = offset + extentOf(tensor);
  if (end > bytes) return `offset: the elements end at byte ${end} of ${bytes} of buffer ${quoted(buffer)}`;
  const base = edge === 'end' ? pageBytes - (bytes % pageBytes) : 0;
  const size = sizeOf(dtype);
  return (base + offset) % size === 0
    ? undefined
    : `offset: ${offset} is no multiple of ${size} bytes in memory`;
}

function faultOfData(
  { kind, fixture, rows, patches }: NonNullable<TensorSpec['data']>,
  dtype: TensorSpec['dtype'],
  count: number,
): string | undefined {
  if (kind === 'fixture') {
    try {
      fixtureValues(fixture ?? '');
    } catch (error) {
      return `fixture: ${error instanceof Error ? error.message : error}`;
    }
  }
  if (rows && (rows.length === 0 || count % rows.length !== 0)) {
    return `rows: ${count} elements are not ${rows.length} equal blocks`;
  }
  const far = rows?.find(row => row > mostElements);
  if (far !== undefined) return `rows: there is no row ${far}`;
  const special = patches.find(patch => typeof patch.value === 'string');
  return special && dtype === 'i32' ? `patches: an i32 tensor cannot hold ${special.value}` : undefined;
}
