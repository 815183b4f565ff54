/** Grouped-query attention as contracts.md has it: a query and head at a time, in float64, two passes over its keys. */

import type { Answer, Args, Tensor } from '../kernel.ts';
import { hasShape, indexOf, outputsLieWell, read, write } from './elements.ts';

type Call = Args<'gqa'>;

/** Keys [from, to). */
interface Span {
  readonly from: number;
  readonly to: number;
}

export function gqa(call: Call): Answer {
  if (!isValid(call)) return 'invalid';
  const { q, k, v, out, mask, scale, softcap } = call;
  const narrow = k.dtype === 'f16' || k.dtype === 'bf16';
  if (v.dtype !== k.dtype || out.dtype !== q.dtype) return 'unsupported';
  if (k.dtype !== q.dtype && !(q.dtype === 'f32' && narrow)) return 'unsupported';

  const [batch, queries, heads, headDim] = q.shape;
  const group = heads / k.shape[2];
  const [query, key, sum] = [0, 1, 2].map(() => new Float64Array(headDim));
  for (let b = 0; b < batch; b++) {
    const length = lengthOf(call, b);
    for (let i = 0; i < queries; i++) {
      const { from, to } = visible(call, length, i);
      for (let head = 0; head < heads; head++) {
        const kvHead = Math.floor(head / group);
        read(q, indexOf(q, b, i, head), q.strides[3], query);
        const live: { readonly place: readonly [number, number]; readonly score: number }[] = [];
        let largest = -Infinity;
        for (let j = from; j < to; j++) {
          const added = mask ? mask.data[maskIndex(mask, b, head, i, j)] : 0;
          if (added === -Infinity) continue;
          const place = placeOf(call, b, j);
          read(k, indexOf(k, ...place, kvHead), k.strides[3], key);
          let dot = 0;
          for (let d = 0; d < headDim; d++) dot += query[d] * key[d];
          const scaled = scale * dot;
          const score = (softcap > 0 ? softcap * Math.tanh(scaled / softcap) : scaled) + added;
          live.push({ place, score });
          // A NaN stays: no later score is larger.
          if (!(score <= largest)) largest = Number.isNaN(largest) ? largest : score;
        }
        sum.fill(0);
        let weights = 0;
        for (const { place, score } of live) {
          const weight = Math.exp(score - largest);
          weights += weight;
          read(v, indexOf(v, ...place, kvHead), v.strides[3], key);
          for (let d = 0; d < headDim; d++) sum[d] += weight * key[d];
        }
        for (let d = 0; d < headDim; d++) {
          write(out, indexOf(out, b, i, head, d), live.length > 0 ? sum[d] / weights : 0);
        }
      }
    }
  }
  return 'ok';
}

/** Keys that there are in a batch. */
function lengthOf({ kvLen, k, blockTable }: Call, b: number): number {
  if (kvLen) return kvLen.data[indexOf(kvLen, b)];
  return blockTable ? blockTable.shape[1] * k.shape[1] : k.shape[1];
}

/** The keys that a query sees: bottom-right aligned. */
function visible({ q, causal, window }: Call, length: number, i: number): Span {
  if (!causal) return { from: 0, to: length };
  const to = Math.max(length - q.shape[1] + i + 1, 0);
  return { from: window > 0 ? Math.max(to - window, 0) : 0, to };
}

/** First and second index of a key in k and v. */
function placeOf({ blockTable, k }: Call, b: number, j: number): readonly [number, number] {
  if (!blockTable) return [b, j];
  const size = k.shape[1];
  return [blockTable.data[indexOf(blockTable, b, Math.floor(j / size))], j % size];
}

function maskIndex(mask: Tensor, b: number, head: number, i: number, j: number): number {
  return indexOf(mask, mask.shape[0] === 1 ? 0 : b, mask.shape[1] === 1 ? 0 : head, i, j);
}

function isValid(call: Call): boolean {
  const { threads, q, k, v, kvLen, blockTable, mask, out, window, causal, softcap } = call;
  if (threads === 0 || q.shape.length !== 4 || k.shape.length !== 4) return false;
  const [batch, queries, heads, headDim] = q.shape;
  const [first, second, kvHeads] = k.shape;
  if (heads === 0 || kvHeads === 0 || headDim === 0 || heads % kvHeads !== 0) return false;
  if (!hasShape(k, blockTable ? first : batch, second, kvHeads, headDim)) return false;
  if (!hasShape(v, ...k.shape) || !hasShape(out, ...q.shape)) return false;
  if (window < 0 || (window > 0 && !causal) || !(softcap >= 0)) return false;
  if (blockTable && (blockTable.shape.length !== 2 || blockTable.shape[0] !== batch)) return false;
  const capacity = blockTable ? blockTable.shape[1] * second : second;
  if (kvLen && !hasShape(kvLen, batch)) return false;
  if (mask) {
    const { shape } = mask;
    const broadcast = (d: number, size: number) => shape[d] === 1 || shape[d] === size;
    if (shape.length !== 4 || !broadcast(0, batch) || !broadcast(1, heads)) return false;
    if (shape[2] !== queries || shape[3] !== capacity) return false;
  }
  for (let b = 0; b < batch; b++) {
    const length = lengthOf(call, b);
    if (length < 0 || length > capacity) return false;
    if (!blockTable || queries === 0) continue;
    // Queries stand side by side, so what any of them sees has no gaps.
    const { to } = visible(call, length, queries - 1);
    for (let j = visible(call, length, 0).from; j < to; j++) {
      const [block] = placeOf(call, b, j);
      if (block < 0 || block >= first) return false;
    }
  }
  return outputsLieWell([{ tensor: out }], [q, k, v, kvLen, blockTable, mask]);
}
