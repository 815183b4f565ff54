/** Orders in which a GQA kernel may go over the keys of a row, for tests of the bounds. */

/** The steps that a sweep is made of, in some arithmetic. */
export interface Steps {
  /** One rounding of the arithmetic. */
  readonly round: (x: number) => number;
  /** a b + c, in P V and in rescaling. */
  readonly mac: (a: number, b: number, c: number) => number;
  readonly exp: (x: number) => number;
  /** A weight as an operand of P V. */
  readonly weight: (p: number) => number;
}

/** The live keys of a row: their scores, numbers, and where their values begin in v. */
export interface Row {
  readonly headDim: number;
  readonly score: readonly number[];
  readonly key: readonly number[];
  readonly start: readonly number[];
  readonly v: Float64Array;
}

/** What is known after some keys: the maximum, the sum of weights, the sum of weighted values. */
export interface State {
  m: number;
  l: number;
  readonly a: Float64Array;
}

export type Sweep = (steps: Steps, row: Row) => State;

function nothing(row: Row): State {
  return { m: -Infinity, l: 0, a: new Float64Array(row.headDim) };
}

/** Takes in keys [from, to): rescales what is there where they raise the maximum. */
function absorb({ round, mac, exp, weight }: Steps, row: Row, state: State, from: number, to: number): void {
  const { a } = state;
  let m = state.m;
  for (let i = from; i < to; i++) m = Math.max(m, row.score[i]);
  if (state.l > 0 && m > state.m) {
    const alpha = exp(round(state.m - m));
    state.l = round(state.l * alpha);
    for (let d = 0; d < a.length; d++) a[d] = mac(a[d], alpha, 0);
  }
  state.m = m;
  for (let i = from; i < to; i++) {
    const p = exp(round(row.score[i] - m));
    state.l = round(state.l + p);
    const operand = weight(p);
    for (let d = 0, at = row.start[i]; d < a.length; d++, at++) a[d] = mac(operand, row.v[at], a[d]);
  }
}

function merge({ round, mac, exp }: Steps, left: State, right: State): State {
  if (left.m === -Infinity) return right;
  if (right.m === -Infinity) return left;
  const m = Math.max(left.m, right.m);
  const alpha = exp(round(left.m - m));
  const beta = exp(round(right.m - m));
  const join = (x: number, y: number) => mac(x, alpha, round(y * beta));
  return {
    m,
    l: round(round(left.l * alpha) + round(right.l * beta)),
    a: left.a.map((x, d) => join(x, right.a[d])),
  };
}

/** Blocks of some keys under a running maximum: 1 is one by one, Infinity two passes. */
export function blocked(size: number): Sweep {
  return (steps, row) => {
    const state = nothing(row);
    const count = row.score.length;
    for (let from = 0; from < count; from += size)
      absorb(steps, row, state, from, Math.min(from + size, count));
    return state;
  };
}

/** The rows keys in another order. */
function pick(row: Row, order: readonly number[]): Row {
  const of = (values: readonly number[]) => order.map(i => values[i]);
  return { ...row, score: of(row.score), key: of(row.key), start: of(row.start) };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** From the last key to the first. */
export function reversed(sweep: Sweep): Sweep {
  return (steps, row) => sweep(steps, pick(row, range(row.score.length).reverse()));
}

/** Spans of keys by themselves, merged one after the other. */
export function split(spans: number, sweep: Sweep): Sweep {
  return (steps, row) => {
    const length = Math.ceil(row.score.length / spans);
    return range(spans)
      .map(s => sweep(steps, pick(row, range(row.score.length).slice(s * length, (s + 1) * length))))
      .reduce((left, right) => merge(steps, left, right));
  };
}

/** Key i goes to lane i mod `lanes`; lanes are merged in a tree. */
export function interleaved(lanes: number, sweep: Sweep): Sweep {
  return (steps, row) => {
    let states = range(lanes).map(lane =>
      sweep(
        steps,
        pick(
          row,
          range(row.score.length).filter(i => i % lanes === lane),
        ),
      ),
    );
    while (states.length > 1) {
      const half = states.length / 2;
      states = range(half).map(s => merge(steps, states[s], states[s + half]));
    }
    return states[0];
  };
}

/** The canonical order of bits.md: blocks of 256 keys from key 0, each by itself; its weights' sum in 16 lanes. */
export const canonical: Sweep = (steps, row) => {
  const { round, mac, exp, weight } = steps;
  let state = nothing(row);
  for (let from = 0, to = 0; from < row.key.length; from = to) {
    const block = row.key[from] >> 8;
    while (to < row.key.length && row.key[to] >> 8 === block) to++;
    const m = Math.max(...row.score.slice(from, to));
    const lanes = new Float64Array(16);
    const a = new Float64Array(row.headDim);
    for (let i = from; i < to; i++) {
      const p = exp(round(row.score[i] - m));
      lanes[row.key[i] % 16] = round(lanes[row.key[i] % 16] + p);
      const operand = weight(p);
      for (let d = 0, at = row.start[i]; d < a.length; d++, at++) a[d] = mac(operand, row.v[at], a[d]);
    }
    for (let half = 8; half >= 1; half /= 2) {
      for (let lane = 0; lane < half; lane++) lanes[lane] = round(lanes[lane] + lanes[lane + half]);
    }
    state = merge(steps, state, { m, l: lanes[0], a });
  }
  return state;
};
