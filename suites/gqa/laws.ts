/** What attention owes as a mean of values weighted by likeness, on the numbers that a kernel gives. */

import { type Case, countOf } from '../../src/case/case.ts';
import type { Recipe } from '../../src/case/recipe.ts';
import { permutation, withTensors } from '../derive.ts';
import { type Disobeyed, differs, type Law, type Run } from '../law.ts';
import { type Facts, factsOf, type GqaCase, maskRow, seenBy, upTo } from './facts.ts';
import { canMoveMask, comesApart, holding, moved, tidied, withMaskKeys, withOwn } from './parts.ts';
import { recipe } from './scores.ts';
import { positionOf, type Span } from './sight.ts';

/** What a few thousand float64 additions lose, relative. */
const float64 = 2 ** -40;

/** A row of the output: a query of a batch in one head. */
interface Row {
  readonly b: number;
  readonly i: number;
  readonly h: number;
  /** Its first element in the output. */
  readonly at: number;
  readonly seen: Span;
}

/** The first row of a call that a law finds wrong. */
function firstWrong(
  { case: c }: Run,
  judge: (row: Row, facts: Facts) => Disobeyed | undefined,
): Disobeyed | undefined {
  const facts = factsOf(c as GqaCase);
  const { batch, qLen, qHeads, headDim } = facts;
  for (const b of upTo(batch)) {
    for (const i of upTo(qLen)) {
      const seen = seenBy(facts, b, i);
      for (const h of upTo(qHeads)) {
        const at = ((b * qLen + i) * qHeads + h) * headDim;
        const wrong = judge({ b, i, h, at, seen }, facts);
        if (wrong) return wrong;
      }
    }
  }
  return undefined;
}

/** Judges a row element by element; `due`: what element d should be, and by how much that may be off itself. */
function eachElement(
  { outputs: { out } }: Run,
  { at }: Row,
  { headDim }: Facts,
  due: (d: number) => { value: number; off?: number },
): Disobeyed | undefined {
  for (const d of upTo(headDim)) {
    const { value, off = 0 } = due(d);
    // NaN and infinities are the reference's matter.
    if (!Number.isFinite(value)) continue;
    const wrong = differs('out', at + d, value, out.values[at + d], out.error[at + d] + off);
    if (wrong) return wrong;
  }
  return undefined;
}

/** Where the row of v begins that a head sees of a key. */
function valueAt({ slotOf, kvHeads, group, headDim }: Facts, { b, h }: Row, key: number): number {
  return (slotOf(b, key) * kvHeads + Math.floor(h / group)) * headDim;
}

const attends = (c: Case): c is GqaCase => c.op === 'gqa' && countOf(c.tensors.q.shape) > 0;
const attendsToKeys = (c: Case) => attends(c) && factsOf(c).lengths.some(length => length > 0);

/** The same call without a mask, every element of whose keys is one number. */
function keysAlike(c: GqaCase, scale: number): GqaCase {
  const { mask: _, ...tensors } = c.tensors;
  const k = holding(c.tensors.k, recipe('constant', { scale }));
  return withTensors(tidied({ ...c, tensors }), { k });
}

/** The same call with a mask that all batches and heads share. */
function masked(c: GqaCase, data: Recipe): GqaCase {
  const { qLen, capacity } = factsOf(c);
  return withOwn(c, 'mask', 'f32', [1, 1, qLen, capacity], data);
}

export const laws: readonly Law[] = [
  {
    name: 'equal keys',
    says: 'where all keys are alike, the result is the mean of the values that are seen',
    concerns: attendsToKeys,
    calls: [([base]) => keysAlike(base.case as GqaCase, 0.125)],
    broken: ([, run]) => {
      const v = run.inputs.v.values;
      return firstWrong(run, (row, facts) => {
        const { first, end } = row.seen;
        if (end === first) return undefined;
        const starts = upTo(end - first).map(j => valueAt(facts, row, first + j));
        return eachElement(run, row, facts, d => {
          let [sum, size] = [0, 0];
          for (const start of starts) {
            sum += v[start + d];
            size += Math.abs(v[start + d]);
          }
          return { value: sum / starts.length, off: (size / starts.length) * float64 };
        });
      });
    },
  },
  {
    name: 'dominant key',
    says: 'where one key is far ahead of all others, the result is its value',
    concerns: attendsToKeys,
    calls: [
      ([base], draw) => {
        // Scores of 0: beside those of a very large q the mask would be nothing.
        const alike = keysAlike(base.case as GqaCase, 0);
        const { capacity, qLen, lengths } = factsOf(alike);
        const ahead = draw(lengths.reduce((a, b) => Math.max(a, b)));
        const column = { start: ahead, count: qLen, step: capacity, value: 1000 };
        return masked(alike, recipe('zeros', { patches: [column] }));
      },
    ],
    broken: ([, run]) => {
      const v = run.inputs.v.values;
      const ahead = run.case.tensors.mask.data!.patches[0].start;
      return firstWrong(run, (row, facts) => {
        if (ahead < row.seen.first || ahead >= row.seen.end) return undefined;
        const start = valueAt(facts, row, ahead);
        return eachElement(run, row, facts, d => ({ value: v[start + d] }));
      });
    },
  },
  {
    name: 'own key',
    says: 'under a window of 1 every query gives the value at its own position, or +0 where there is none',
    concerns: attends,
    calls: [
      ([base]) => {
        const c = base.case as GqaCase;
        const { mask: _, ...tensors } = c.tensors;
        return tidied({ ...c, tensors, params: { ...c.params, causal: true, window: 1 } });
      },
    ],
    broken: ([, run]) => {
      const v = run.inputs.v.values;
      return firstWrong(run, (row, facts) => {
        const position = positionOf(facts, facts.lengths[row.b], row.i);
        if (position < 0) return zeros(run, row, facts);
        const start = valueAt(facts, row, position);
        return eachElement(run, row, facts, d => ({ value: v[start + d] }));
      });
    },
  },
  {
    name: 'hull',
    says: 'the result lies between the least and the largest live value, and is +0 where nothing is live',
    concerns: attends,
    calls: [],
    broken: ([run]) => {
      const { v, mask } = run.inputs;
      const { out } = run.outputs;
      const shape = run.case.tensors.mask?.shape ?? [];
      return firstWrong(run, (row, facts) => {
        const { first, end } = row.seen;
        const masks = mask ? maskRow(shape, row.b, row.h, row.i) : 0;
        const live = upTo(end - first)
          .map(j => first + j)
          .filter(key => mask?.values[masks + key] !== -Infinity)
          .map(key => valueAt(facts, row, key));
        if (live.length === 0) return zeros(run, row, facts);
        return eachElement(run, row, facts, d => {
          const seen = out.values[row.at + d];
          let [low, high] = [Infinity, -Infinity];
          for (const start of live) {
            low = Math.min(low, v.values[start + d]);
            high = Math.max(high, v.values[start + d]);
          }
          return { value: Math.min(Math.max(seen, low), high) };
        });
      });
    },
  },
  {
    name: 'shift',
    says: 'the same number added to all scores changes nothing',
    concerns: c => attendsToKeys(c) && !c.tensors.mask,
    calls: [
      ([base], draw) =>
        masked(base.case as GqaCase, recipe('constant', { scale: [1, -7, 90, -40][draw(4)] })),
    ],
    broken: sameWithin,
  },
  {
    name: 'key order',
    says: 'keys, values and mask in another order give the same',
    concerns: c =>
      attendsToKeys(c) &&
      !c.tensors.blockTable &&
      comesApart(c) &&
      canMoveMask(c as GqaCase) &&
      seesAll(factsOf(c as GqaCase)),
    calls: [
      ([base], draw) => {
        const c = base.case as GqaCase;
        const { batch, capacity, lengths } = factsOf(c);
        // A mask that batches share asks for one order.
        const least = lengths.reduce((a, b) => Math.min(a, b));
        const order = upTo(capacity);
        permutation(least, draw).forEach((key, i) => {
          order[i] = key;
        });
        const slots = upTo(batch).flatMap(b => order.map(key => b * capacity + key));
        return moved(withMaskKeys(c, order), [batch, capacity], slots);
      },
    ],
    broken: sameWithin,
  },
];

/** Whether every query sees every key, wherever it stands. */
function seesAll({ causal, qLen, window }: Facts): boolean {
  return !causal || (qLen === 1 && window === 0);
}

/** Whether two calls give the same, each within its own bound. */
function sameWithin([base, other]: readonly Run[]): Disobeyed | undefined {
  return firstWrong(base, (row, facts) =>
    eachElement(base, row, facts, d => {
      const { values, error } = other.outputs.out;
      return { value: values[row.at + d], off: error[row.at + d] };
    }),
  );
}

/** +0 in every element, to the bit. */
function zeros({ outputs: { out } }: Run, { at }: Row, { headDim }: Facts): Disobeyed | undefined {
  const d = upTo(headDim).find(d => out.bits[at + d] !== 0);
  if (d === undefined) return undefined;
  const seen = Object.is(out.values[at + d], -0) ? '-0' : String(out.values[at + d]);
  return { role: 'out', index: at + d, expected: '0', seen, excess: null, bound: null };
}
