/**
 * What rotations owe as rotations, on the numbers that a kernel gives.
 *
 * Each number may be off by its bound from the reference's, and the reference's by less than that from the true
 * one, since it rounds cosines to f32: hence twice the errors below.
 */

import { type Case, type CaseOf, countOf } from '../../src/case/case.ts';
import type { Recipe } from '../../src/case/recipe.ts';
import { inputsAreIndependent, pick, repeats, withTensors } from '../derive.ts';
import { type Answer, type Disobeyed, differs, type Law, type Run } from '../law.ts';

type RopeCase = CaseOf<'rope'>;

const lastPosition = 2 ** 31 - 1;

/** Two elements that turn together: their places in x and y, the pair's number, and that of the row. */
interface Pair {
  readonly a: number;
  readonly b: number;
  readonly i: number;
  readonly row: number;
}

/** The place of an element of a pair within its row: of `a` (second = 0) or `b` (1). */
function placeOf(i: number, second: 0 | 1, { rotaryDim, interleaved }: RopeCase['params']): number {
  return interleaved ? 2 * i + second : i + (second * rotaryDim) / 2;
}

function pairsOf({ params, tensors }: RopeCase): Pair[] {
  const [batch, tokens, heads, headDim] = tensors.x.shape;
  const pairs = Array.from({ length: params.rotaryDim / 2 }, (_, i) => i);
  return Array.from({ length: batch * tokens * heads }, (_, row) =>
    pairs.map(i => ({
      a: row * headDim + placeOf(i, 0, params),
      b: row * headDim + placeOf(i, 1, params),
      i,
      row,
    })),
  ).flat();
}

/** The first pair of a call that a law finds wrong. */
function firstWrong(c: Case, judge: (pair: Pair) => Disobeyed | undefined): Disobeyed | undefined {
  for (const pair of pairsOf(c as RopeCase)) {
    const wrong = judge(pair);
    if (wrong) return wrong;
  }
  return undefined;
}

function attention(c: Case): number {
  const { scaling } = (c as RopeCase).params;
  return !c.tensors.cos && scaling.type === 'yarn' ? scaling.attentionFactor : 1;
}

const turns = (c: Case) => c.op === 'rope' && c.params.rotaryDim > 0 && countOf(c.tensors.x.shape) > 0;
const computes = (c: Case) => turns(c) && !c.tensors.cos;

/** How long a pair of length 1 comes out. */
function gainOf({ case: c, inputs: { positions, cos, sin } }: Run): (pair: Pair) => number {
  if (!cos) return () => Math.abs(attention(c));
  const [, tokens, heads] = c.tensors.x.shape;
  const { shape } = c.tensors.cos;
  const perBatch = c.tensors.positions.shape.length === 2;
  return ({ row, i }) => {
    const token = Math.floor(row / heads);
    const place = positions.values[perBatch ? token : token % tokens] * shape[1] + i;
    return lengthOf(cos.values[place], sin.values[place]);
  };
}

function lengthOf(a: number, b: number): number {
  return Math.sqrt(a * a + b * b);
}

function data(kind: Recipe['kind'], rest: Partial<Recipe>): Recipe {
  return { kind, seed: 0, scale: 1, patches: [], ...rest };
}

/** The same call with other numbers in a tensor. */
function holding(c: Case, role: 'x' | 'positions', recipe: Recipe): Case {
  return withTensors(c, { [role]: { ...c.tensors[role], data: recipe } });
}

/** The same call with every token so much farther on. */
function shifted({ case: c, inputs: { positions } }: Run, by: number): Case {
  const values = Array.from(positions.values, position => position + by);
  return holding(c, 'positions', data('list', { values }));
}

/** A way to go on from where the farthest token stands. */
function stepFrom({ inputs: { positions } }: Run, draw: (n: number) => number): number {
  const farthest = positions.values.reduce((a, b) => Math.max(a, b), 0);
  return Math.min([1, 7, 1000, 1 << 20][draw(4)], lastPosition - farthest);
}

/** The inner product of the turned parts of two rows, and how far it may be off. */
function dotOf({ values, error }: Answer, from: Pair[], to: Pair[]): { dot: number; off: number } {
  let [dot, off] = [0, 0];
  const places = from.flatMap((p, k) => [[p.a, to[k].a] as const, [p.b, to[k].b] as const]);
  for (const [i, j] of places) {
    if (error[i] === Infinity || error[j] === Infinity) return { dot, off: Infinity };
    const [s, t] = [values[i], values[j]];
    dot += s * t;
    const slack = Math.abs(s) * error[j] + Math.abs(t) * error[i] + error[i] * error[j];
    // A few hundred float64 additions beside it.
    off += 2 * slack + Math.abs(s * t) * 2 ** -44;
  }
  return { dot, off };
}

export const laws: readonly Law[] = [
  {
    name: 'pair norms',
    says: 'every pair keeps its length, times the attention factor or the length of its cosine and sine',
    concerns: turns,
    calls: [],
    broken: ([run]) => {
      const gain = gainOf(run);
      const { x } = run.inputs;
      const { y } = run.outputs;
      return firstWrong(run.case, pair => {
        const { a, b } = pair;
        const due = gain(pair) * lengthOf(x.values[a], x.values[b]);
        return differs('y', a, due, lengthOf(y.values[a], y.values[b]), 2 * (y.error[a] + y.error[b]));
      });
    },
  },
  {
    name: 'composition',
    says: 'turned by p and then by q is turned by p + q',
    concerns: c => computes(c) && !repeats(c.tensors.x) && !repeats(c.tensors.positions),
    calls: [
      ([base], draw) => {
        // What is not finite has no bound either, and is not looked at.
        const values = Array.from(base.outputs.y.values, value => (Number.isFinite(value) ? value : 0));
        const turned = holding(base.case, 'x', data('list', { values }));
        return holding(turned, 'positions', data('constant', { scale: stepFrom(base, draw) }));
      },
      ([base, second]) => shifted(base, second.inputs.positions.values[0]),
    ],
    broken: ([first, second, both]) => {
      const size = attention(first.case);
      const [e, f, g] = [first, second, both].map(run => run.outputs.y.error);
      return firstWrong(first.case, ({ a, b }) => {
        for (const at of [a, b]) {
          const allowed = 2 * (f[at] + Math.abs(size) * (e[a] + e[b] + g[at]));
          const due = size * both.outputs.y.values[at];
          const wrong = differs('y', at, due, second.outputs.y.values[at], allowed);
          if (wrong) return wrong;
        }
        return undefined;
      });
    },
  },
  {
    name: 'differences',
    says: 'the inner product of two turned rows depends on the difference of their positions alone',
    concerns: c => computes(c) && countOf(c.tensors.x.shape.slice(0, 3)) > 1,
    calls: [([base], draw) => shifted(base, stepFrom(base, draw))],
    broken: ([here, there]) => {
      const pairs = pairsOf(here.case as RopeCase);
      const inRow = (here.case as RopeCase).params.rotaryDim / 2;
      for (let from = 0; from + inRow < pairs.length; from += inRow) {
        const rows = [pairs.slice(from, from + inRow), pairs.slice(from + inRow, from + 2 * inRow)] as const;
        const [before, after] = [here, there].map(run => dotOf(run.outputs.y, ...rows));
        const wrong = differs('y', rows[0][0].a, before.dot, after.dot, before.off + after.off);
        if (wrong) return wrong;
      }
      return undefined;
    },
  },
  {
    name: 'position 0',
    says: 'at position 0 nothing turns: finite values stay what they are',
    concerns: c => computes(c) && attention(c) === 1,
    calls: [([base]) => holding(base.case, 'positions', data('zeros', {}))],
    broken: ([, { case: c, inputs, outputs }]) =>
      firstWrong(c, ({ a, b }) => {
        const x = inputs.x.values;
        if (!Number.isFinite(x[a]) || !Number.isFinite(x[b])) return undefined;
        const { values, error } = outputs.y;
        // A subnormal may be a zero to classes other than F32: it has no bound.
        const kept = (at: number) =>
          values[at] === 0 && error[at] === Infinity ? undefined : differs('y', at, x[at], values[at], 0);
        return kept(a) ?? kept(b);
      }),
  },
  {
    name: 'pairings',
    says: 'pairs of neighbours turn like the same pairs of halves',
    concerns: c => turns(c) && inputsAreIndependent(c),
    calls: [
      ([{ case: c }]) => {
        const base = c as RopeCase;
        const other = { ...base, params: { ...base.params, interleaved: !base.params.interleaved } };
        const { x } = other.tensors;
        const sources = Array.from({ length: countOf(x.shape) }, (_, at) => at);
        const target = pairsOf(other);
        pairsOf(base).forEach(({ a, b }, k) => {
          sources[target[k].a] = a;
          sources[target[k].b] = b;
        });
        return holding(other, 'x', pick(x.data!, sources, 1));
      },
    ],
    broken: ([base, other]) => {
      const target = pairsOf(other.case as RopeCase);
      const [y, z] = [base.outputs.y, other.outputs.y];
      for (const [k, { a, b }] of pairsOf(base.case as RopeCase).entries()) {
        for (const [i, j] of [
          [a, target[k].a],
          [b, target[k].b],
        ]) {
          const wrong = differs('y', i, z.values[j], y.values[i], y.error[i] + z.error[j]);
          if (wrong) return wrong;
        }
      }
      return undefined;
    },
  },
  {
    name: 'tail',
    says: 'what lies beyond rotaryDim is copied, bit for bit, payloads of NaNs too',
    concerns: c => c.op === 'rope' && c.params.rotaryDim < c.tensors.x.shape[3],
    calls: [],
    broken: ([{ case: c, inputs, outputs }]) => {
      const { rotaryDim } = (c as RopeCase).params;
      const headDim = c.tensors.x.shape[3];
      const [x, y] = [inputs.x.bits, outputs.y.bits];
      const at = y.findIndex((bits, i) => i % headDim >= rotaryDim && bits !== x[i]);
      if (at < 0) return undefined;
      const hex = (bits: number) => `0x${bits.toString(16)}`;
      return { role: 'y', index: at, expected: hex(x[at]), seen: hex(y[at]), excess: null, bound: null };
    },
  },
];
