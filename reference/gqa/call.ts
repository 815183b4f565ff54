/** A GQA call as numbers: its sizes, which keys a query may see, and where rows of k, v and mask stand. */

import type { CaseOf } from '../../src/case/case.ts';
import { type Bits, decode, decodeAll, type FloatDtype } from '../../src/case/dtype.ts';

type Inputs = Readonly<Record<string, Bits>>;

/** A stretch of keys, [first, end). */
export interface Span {
  readonly first: number;
  readonly end: number;
}

/** What one row of the output, a query and head, belongs to. */
export interface Place {
  readonly batch: number;
  readonly query: number;
  readonly head: number;
  /** head / (qHeads / kvHeads), rounded down. */
  readonly kvHead: number;
}

export class Call {
  readonly headDim: number;
  readonly scale: number;
  /** 0: off. */
  readonly softcap: number;
  readonly dtypes: Readonly<Record<'q' | 'kv', FloatDtype>>;
  /** Keys that a batch has room for. */
  readonly keys: number;
  /** Rows of the output: batch, query and head, flattened. */
  readonly rows: number;
  readonly #c: CaseOf<'gqa'>;
  readonly #inputs: Inputs;
  readonly #blockTable: Float64Array | undefined;
  readonly #kvLen: Float64Array | undefined;

  constructor(c: CaseOf<'gqa'>, inputs: Inputs) {
    const { q, k, kvLen, blockTable } = c.tensors;
    this.#c = c;
    this.#inputs = inputs;
    this.headDim = q.shape[3];
    this.rows = q.shape[0] * q.shape[1] * q.shape[2];
    // As the C interface has them.
    this.scale = Math.fround(c.params.scale);
    this.softcap = Math.fround(c.params.softcap);
    this.dtypes = { q: q.dtype as FloatDtype, kv: k.dtype as FloatDtype };
    this.#kvLen = kvLen && decodeAll(inputs.kvLen, 'i32');
    this.#blockTable = blockTable && decodeAll(inputs.blockTable, 'i32');
    this.keys = blockTable ? blockTable.shape[1] * k.shape[1] : k.shape[1];
  }

  place(row: number): Place {
    const [, qLen, qHeads] = this.#c.tensors.q.shape;
    const kvHeads = this.#c.tensors.k.shape[2];
    const head = row % qHeads;
    const token = Math.floor(row / qHeads);
    return {
      batch: Math.floor(token / qLen),
      query: token % qLen,
      head,
      kvHead: Math.floor(head / (qHeads / kvHeads)),
    };
  }

  /** The keys that a query sees: a mask apart. */
  visible({ batch, query }: Place): Span {
    const { causal, window } = this.#c.params;
    const length = this.#kvLen ? this.#kvLen[batch] : this.keys;
    const position = length - this.#c.tensors.q.shape[1] + query;
    const end = causal ? Math.min(length, position + 1) : length;
    const first = window > 0 ? Math.max(0, position - window + 1) : 0;
    return { first, end: Math.max(first, end) };
  }

  query(row: number): Float64Array {
    return decodeAll(this.#row('q', row), this.dtypes.q);
  }

  /** A row of k or v. */
  key(role: 'k' | 'v', { batch, kvHead }: Place, j: number): Float64Array {
    const [, capacity, kvHeads] = this.#c.tensors.k.shape;
    const slot = this.#blockTable
      ? this.#blockTable[batch * (this.keys / capacity) + Math.floor(j / capacity)] * capacity +
        (j % capacity)
      : batch * capacity + j;
    return decodeAll(this.#row(role, slot * kvHeads + kvHead), this.dtypes.kv);
  }

  /** What is added to a score; 0 without a mask. */
  mask({ batch, query, head }: Place, j: number): number {
    const { mask } = this.#c.tensors;
    if (!mask) return 0;
    const [batches, heads, queries, keys] = mask.shape;
    const plane = (batches === 1 ? 0 : batch) * heads + (heads === 1 ? 0 : head);
    return decode(this.#inputs.mask[(plane * queries + query) * keys + j], 'f32');
  }

  #row(role: 'q' | 'k' | 'v', row: number): Bits {
    return this.#inputs[role].subarray(row * this.headDim, (row + 1) * this.headDim);
  }
}
