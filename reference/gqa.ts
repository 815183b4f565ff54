/**
 * GQA in float64, and how far from it a correct kernel may be. Contract: contracts.md.
 *
 *     s = scale dot(q, k), softcap tanh(s / softcap), + mask    m = max s    p = exp(s - m) / l    o = sum p v
 *
 * over the live keys, n of them. What a correct f32 kernel can lose, in units of u = 2^-24:
 *
 * | operation | loses at most |
 * |---|---|
 * | D products and their sum, in any order, FMA or not, q scaled before or after | (D + 2) of A = \|scale\| sum \|q k\| |
 * | scale, log2 e folded into it, mask; each rounded | 4 of the largest stage of s |
 * | s / softcap, tanh as 1 - 2 / (exp 2x + 1), times softcap | 6 of softcap, and the above times the slope of tanh |
 * | s - m, and the argument's reduction in exp | 3 (m - s) |
 * | exp to 2 ulps, of the weight and of each rescaling | 4 + 6 rescalings: gqa/rescalings.ts |
 *
 * Together these are delta: an error of s, hence a factor e^delta of a weight. The weights' sum divides it out but
 * for what differs between keys, so that o is off by sum p (e^delta - 1) |v - o| / (1 - sum p (e^delta - 1)), for
 * any delta. Where that has no room left (scores of millions), a kernel may weigh keys as it likes, and what
 * stands is the hull of their values. Sums of n terms, rescaled, and the division add (n + rescalings + 8) u of
 * sum p |v| + |o|.
 */

import type { CaseOf } from '../src/case/case.ts';
import type { Reference } from './expected.ts';
import { arithmeticOf } from './gqa/arithmetic.ts';
import { AttentionRows } from './gqa/attention-rows.ts';
import { Call, type Place, type Span } from './gqa/call.ts';
import { KvHead } from './gqa/kv-head.ts';
import { Scores } from './gqa/scores.ts';

export const gqa: Reference<'gqa'> = (c, inputs, rows = allRows(c), numerics = 'f32') => {
  const call = new Call(c, inputs);
  const arithmetic = arithmeticOf(numerics);
  const groups = sharersOf(call, rows);
  const longest = Math.max(0, ...groups.map(({ span }) => span.end - span.first));
  const scores = new Scores(call, arithmetic, longest);
  const out = new AttentionRows(call, arithmetic, rows, longest);
  for (const { place, span, members } of groups) {
    const head = new KvHead(call, place, span);
    for (const member of members) {
      scores.fill(member.row, member.place, head);
      out.fill(member.k, scores, head);
    }
  }
  return [out];
};

function allRows(c: CaseOf<'gqa'>): number[] {
  const [batch, qLen, qHeads] = c.tensors.q.shape;
  return Array.from({ length: batch * qLen * qHeads }, (_, row) => row);
}

/** Chosen rows that share a batch and a kv head, and all keys that one of them sees. */
interface Sharers {
  readonly place: Place;
  readonly members: { readonly k: number; readonly row: number; readonly place: Place }[];
  span: Span;
}

function sharersOf(call: Call, rows: readonly number[]): Sharers[] {
  const groups = new Map<string, Sharers>();
  rows.forEach((row, k) => {
    const place = call.place(row);
    const key = `${place.batch} ${place.kvHead}`;
    const { first, end } = call.visible(place);
    const group = groups.get(key) ?? { place, members: [], span: { first, end } };
    groups.set(key, group);
    group.members.push({ k, row, place });
    group.span = { first: Math.min(group.span.first, first), end: Math.max(group.span.end, end) };
  });
  return [...groups.values()];
}
