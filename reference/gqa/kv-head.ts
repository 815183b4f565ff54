/** The keys and values of one kv head, as far as chosen rows see them. */

import type { Call, Place, Span } from './call.ts';

export class KvHead {
  /** The key that stands first. */
  readonly first: number;
  /** Rows of k and v, one behind the other. */
  readonly k: Float64Array;
  readonly v: Float64Array;
  /** Of each row of k. */
  readonly norm: Float64Array;
  readonly size: Float64Array;

  constructor(call: Call, place: Place, { first, end }: Span) {
    const { headDim } = call;
    this.first = first;
    this.k = new Float64Array((end - first) * headDim);
    this.v = new Float64Array(this.k.length);
    this.norm = new Float64Array(end - first);
    this.size = new Float64Array(end - first);
    for (let j = first; j < end; j++) {
      const k = call.key('k', place, j);
      this.k.set(k, (j - first) * headDim);
      this.v.set(call.key('v', place, j), (j - first) * headDim);
      const { norm, size } = sizesOf(k);
      this.norm[j - first] = norm;
      this.size[j - first] = size;
    }
  }
}

/** Euclidean norm and sum of sizes. */
export function sizesOf(row: Float64Array): { norm: number; size: number } {
  let squares = 0;
  let size = 0;
  for (const value of row) {
    squares += value * value;
    size += Math.abs(value);
  }
  return { norm: Math.sqrt(squares), size };
}
