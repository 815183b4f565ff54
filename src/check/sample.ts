/** Which rows of a large case are checked: the first, the last, and some in between by its size alone. */

import { type Case, outputRoles } from '../case/case.ts';
import { hash } from '../case/random.ts';

/** Cases of at most this many output elements are checked whole. */
const wholeUpTo = 1 << 16;
/** Rows of a larger one. */
const sampledRows = 16;

/** Rows (leading dimensions flattened), ascending; undefined: all. */
export function sampleRows(c: Case): number[] | undefined {
  const shape = c.tensors[outputRoles(c.op)[0]].shape;
  const rowLength = shape.at(-1) ?? 1;
  const rows = shape.slice(0, -1).reduce((a, b) => a * b, 1);
  if (rows * rowLength <= wholeUpTo || rows <= sampledRows) return undefined;
  const chosen = new Set([0, rows - 1]);
  for (let i = 0; chosen.size < sampledRows; i++) chosen.add(hash(rows, i) % rows);
  return [...chosen].sort((a, b) => a - b);
}
