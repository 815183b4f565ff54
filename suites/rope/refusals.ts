/** Ways to break RoPE's own contract, beside what all ops share. */

import { type Case, type CaseOf, countOf, type TensorSpec } from '../../src/case/case.ts';
import { sizeOf } from '../../src/case/dtype.ts';
import { nests, repeats, withTensors } from '../derive.ts';
import { commonRefusals, laidOn, without } from '../refusals.ts';
import type { Refusal } from '../suite.ts';
import type { Scaling } from './plan.ts';

type RopeCase = CaseOf<'rope'>;
type Params = RopeCase['params'];

/** A refusal that changes parameters, where `change` finds something to break. */
function params(what: string, change: (params: Params, c: RopeCase) => Partial<Params> | null): Refusal {
  return {
    what,
    of: c => {
      const changed = c.op === 'rope' ? change(c.params, c) : null;
      return changed && c.op === 'rope' ? { ...c, params: { ...c.params, ...changed } } : null;
    },
  };
}

/** Parameters of a scaling of one of these types, where they count: with computed angles. */
function scaling(what: string, types: readonly Scaling['type'][], change: object): Refusal {
  return params(what, ({ scaling }, c) =>
    !c.tensors.cos && types.includes(scaling.type) ? { scaling: { ...scaling, ...change } as Scaling } : null,
  );
}

/** A refusal that changes one tensor. */
function tensor(
  what: string,
  role: string,
  change: (tensor: TensorSpec, c: Case) => TensorSpec | null,
): Refusal {
  return {
    what,
    of: c => {
      const broken = role in c.tensors ? change(c.tensors[role], c) : null;
      return broken && withTensors(c, { [role]: broken });
    },
  };
}

/** Sets the position of one token, by its number among those of all batches; null: there is none. */
function positionOf(
  what: string,
  token: (positions: TensorSpec) => number | null,
  position: (c: Case) => number | null,
): Refusal {
  return tensor(what, 'positions', (positions, c) => {
    const value = position(c);
    const start = token(positions);
    if (value === null || start === null || countOf(c.tensors.x.shape) === 0 || !positions.data) return null;
    const patch = { start, count: 1, step: 1, value };
    return { ...positions, data: { ...positions.data, patches: [...positions.data.patches, patch] } };
  });
}

/** The last token: where tokens share an element, what is stored last counts. */
const lastPosition = (what: string, position: (c: Case) => number | null) =>
  positionOf(what, ({ shape }) => countOf(shape) - 1, position);

/** One that is neither first nor last of its batch, in the middle one of the batches that have their own. */
const middlePosition = (what: string, position: (c: Case) => number | null) =>
  positionOf(
    what,
    positions => {
      const tokens = positions.shape.at(-1)!;
      if (tokens < 3 || repeats(positions)) return null;
      const batches = countOf(positions.shape) / tokens;
      return Math.floor(batches / 2) * tokens + Math.floor(tokens / 2);
    },
    position,
  );

/** A size that is `by` more (or less) than it was; null where the view has no memory to be seen in. */
function resized(tensor: TensorSpec, d: number, by: number): TensorSpec | null {
  if (tensor.buffer === null || tensor.shape[d] + by < 0) return null;
  return { ...tensor, shape: tensor.shape.map((extent, i) => (i === d ? extent + by : extent)) };
}

/** y's first element laid on another tensor's. */
function yOn(role: string): Refusal {
  return tensor(`y lies on ${role}`, 'y', (y, c) => {
    const other = c.tensors[role];
    if (!other || other.buffer === null || y.buffer === other.buffer) return null;
    if (countOf(y.shape) === 0 || countOf(other.shape) === 0) return null;
    const sparse = [y, other].some(({ buffer }) => buffer !== null && c.buffers[buffer].sparse);
    return sparse || sizeOf(y.dtype) !== sizeOf(other.dtype)
      ? null
      : { ...y, buffer: other.buffer, offset: other.offset };
  });
}

/** Both tables changed alike. */
function tables(what: string, change: (table: TensorSpec) => TensorSpec | null): Refusal {
  return {
    what,
    of: c => {
      const { cos, sin } = c.tensors;
      const broken = cos && sin && { cos: change(cos), sin: change(sin) };
      return broken?.cos && broken.sin ? withTensors(c, { cos: broken.cos, sin: broken.sin }) : null;
    },
  };
}

export const refusals: readonly Refusal[] = [
  ...commonRefusals('rope', 4),
  params('rotaryDim is odd', ({ rotaryDim }) => (rotaryDim > 0 ? { rotaryDim: rotaryDim - 1 } : null)),
  params('rotaryDim is greater than headDim', (_, { tensors: { x, cos } }) =>
    cos ? null : { rotaryDim: (x.shape[3] + 2) & ~1 },
  ),
  params('theta is 1 and angles are computed', (_, c) => (c.tensors.cos ? null : { theta: 1 })),
  params('theta is 0.5 and angles are computed', (_, c) => (c.tensors.cos ? null : { theta: 0.5 })),
  params('theta is negative and angles are computed', (_, c) => (c.tensors.cos ? null : { theta: -1e4 })),
  scaling('the factor of a scaling is 0', ['linear', 'llama3', 'yarn'], { factor: 0 }),
  scaling('the factor of a scaling is negative', ['linear', 'llama3', 'yarn'], { factor: -8 }),
  scaling('originalMaxPositions is 0', ['llama3', 'yarn'], { originalMaxPositions: 0 }),
  scaling('highFreqFactor is less than lowFreqFactor', ['llama3'], {
    lowFreqFactor: 4,
    highFreqFactor: 1,
  }),
  lastPosition('a position is -1', () => -1),
  lastPosition('a position is -2^31', () => -(2 ** 31)),
  lastPosition("a position is the tables' height", c => c.tensors.cos?.shape[0] ?? null),
  lastPosition('a position is far beyond the tables', c => (c.tensors.cos ? 2 ** 31 - 1 : null)),
  middlePosition('a position in the middle is -1', () => -1),
  middlePosition("a position in the middle is the tables' height", c => c.tensors.cos?.shape[0] ?? null),
  { what: 'cos without sin', of: c => (c.tensors.cos ? without(c, 'sin') : null) },
  { what: 'sin without cos', of: c => (c.tensors.cos ? without(c, 'cos') : null) },
  tensor('sin has a row less than cos', 'sin', sin => resized(sin, 0, -1)),
  tensor('sin has a row more than cos', 'sin', sin => resized(sin, 0, 1)),
  tensor('sin is narrower than cos', 'sin', sin => resized(sin, 1, -1)),
  tables('both tables are a column too wide', table => resized(table, 1, 1)),
  tables('both tables are a column too narrow', table => resized(table, 1, -1)),
  tables('both tables have three dimensions', table => ({
    ...table,
    shape: [1, ...table.shape],
    strides: [0, ...table.strides],
  })),
  tensor('there is a position more than tokens', 'positions', positions =>
    resized(positions, positions.shape.length - 1, 1),
  ),
  tensor('there is a batch of positions more than of x', 'positions', positions =>
    positions.shape.length === 2 ? resized(positions, 0, 1) : null,
  ),
  tensor('one batch of positions is given for several', 'positions', (positions, c) =>
    positions.shape.length === 1 && c.tensors.x.shape[0] > 1
      ? { ...positions, shape: [1, ...positions.shape], strides: [0, ...positions.strides] }
      : null,
  ),
  tensor('positions have three dimensions', 'positions', positions => ({
    ...positions,
    shape: [...Array(3 - positions.shape.length).fill(1), ...positions.shape],
    strides: [...Array(3 - positions.shape.length).fill(0), ...positions.strides],
  })),
  tensor('y has a head more than x', 'y', y => resized(y, 2, 1)),
  tensor('y is an element narrower than x', 'y', y => resized(y, 3, -1)),
  tensor('y lies on x with tokens and heads the other way round', 'y', (y, { tensors: { x } }) => {
    const [batch, tokens, heads, elements] = x.strides;
    const turned = [batch, heads, tokens, elements];
    if (x.buffer === null || x.shape[1] < 2 || x.shape[1] !== x.shape[2] || tokens === heads) return null;
    const broken = { ...y, buffer: x.buffer, offset: x.offset, strides: turned };
    return countOf(x.shape) > 0 && nests(broken) ? broken : null;
  }),
  { what: 'y lies one token behind x', of: behind(1) },
  { what: 'y lies one head behind x', of: behind(2) },
  yOn('positions'),
  yOn('cos'),
  yOn('sin'),
];

/** y on x's elements, shifted by a step of a dimension that has two or more. */
function behind(d: number): Refusal['of'] {
  return c => {
    const { x } = c.tensors;
    return x.shape[d] > 1 && nests(x) ? laidOn(c, 'y', 'x', x.strides[d]) : null;
  };
}
