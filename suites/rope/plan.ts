/**
 * RoPE's cases: the plan (what varies), how plans are drawn (fields.ts), and the case that a plan becomes.
 *
 * Any combination of fields is a valid plan: what does not go together is settled when the case is built, so
 * that shrinking a field can never leave the contract.
 */

import type { BufferSpec, CaseOf, Poison, TensorSpec } from '../../src/case/case.ts';
import type { FloatDtype } from '../../src/case/dtype.ts';
import { hash } from '../../src/case/random.ts';
import type { Recipe } from '../../src/case/recipe.ts';
import { heldScale, patchOf, type Special } from '../data.ts';
import { halves, type Layout, ownBuffer, type Placement, strided, writable } from '../layout.ts';

export type Scaling = CaseOf<'rope'>['params']['scaling'];

/** Where tokens stand. */
export interface Positions {
  readonly order: 'ascending' | 'descending' | 'repeated' | 'scattered';
  /** That of the first token of the first batch. */
  readonly start: number;
  /** Between the first tokens of neighbouring batches. */
  readonly stagger: number;
}

/** Cosines and sines that the caller brings. */
export interface Tables {
  /** Points of the unit circle, or two unrelated numbers: tables are taken as they are. */
  readonly data: 'circle' | 'uniform';
  readonly seed: number;
  /** Multiplies both: attention factors are often folded in. */
  readonly scale: number;
  /** Positions stay below this. */
  readonly positions: number;
  /** Rows behind the last that is used. */
  readonly spare: number;
  /** Both in one buffer, side by side in each row. */
  readonly fused: boolean;
}

export interface Plan {
  readonly dtype: FloatDtype;
  readonly batch: number;
  readonly tokens: number;
  readonly heads: number;
  readonly headDim: number;
  /** Elements of a head that turn; at most headDim, and even, once built. */
  readonly rotaryDim: number;
  readonly interleaved: boolean;
  readonly positions: Positions;
  /** Whether each batch has positions of its own. */
  readonly perBatch: boolean;
  readonly theta: number;
  readonly scaling: Scaling;
  /** null: angles are computed. */
  readonly tables: Tables | null;
  readonly x: Recipe;
  readonly special: Special | null;
  readonly specialIn: 'x' | 'cos';
  readonly aliasing: 'none' | 'y is x' | 'y beside x';
  readonly xLayout: Layout;
  readonly yLayout: Layout;
  readonly positionsLayout: Layout;
  readonly cosLayout: Layout;
  readonly sinLayout: Layout;
  readonly edge: Placement['edge'];
  /** Elements that every buffer's first one is shifted by; each buffer takes its own from it. */
  readonly shift: number;
  readonly poison: Poison;
  readonly threads: number;
}

const lastPosition = 2 ** 31 - 1;

/** The position of every token, C order; as many batches as have positions of their own. */
function positionsOf({ positions, tables, batch, tokens, perBatch }: Plan): number[] {
  const { order, start, stagger } = positions;
  const limit = tables ? tables.positions : lastPosition + 1;
  const inOrder = {
    ascending: (t: number) => t,
    descending: (t: number) => tokens - 1 - t,
    repeated: (t: number) => t >> 1,
    scattered: (t: number, b: number) => hash(start, b * tokens + t) % (start + 1),
  }[order];
  return Array.from({ length: perBatch ? batch : 1 }, (_, b) => {
    // The farthest start is that from which the last token still has a position.
    const first = tables ? start + b * stagger : Math.min(start + b * stagger, limit - tokens);
    const base = order === 'scattered' ? 0 : first;
    return Array.from({ length: tokens }, (_, t) => (base + inOrder(t, b)) % limit);
  }).flat();
}

type Tensors = Record<string, TensorSpec>;
type Buffers = Record<string, BufferSpec>;

/** The case of a plan. */
export function build(plan: Plan): CaseOf<'rope'> {
  const { dtype, batch, tokens, heads, headDim, interleaved, theta, scaling, threads } = plan;
  const rotaryDim = Math.min(plan.rotaryDim, headDim) & ~1;
  const shape = [batch, tokens, heads, headDim];
  const buffers: Buffers = {};
  const tensors: Tensors = {};
  const placed = (index: number): Placement => ({
    edge: plan.edge,
    shift: hash(plan.shift, index) % (plan.shift + 1),
    poison: plan.poison,
  });
  const own = (
    role: string,
    type: TensorSpec['dtype'],
    extents: readonly number[],
    lie: ReturnType<typeof strided>,
    index: number,
    data?: Recipe,
  ): void => {
    const { buffer, tensor } = ownBuffer(role, type, extents, lie, placed(index), data);
    buffers[role] = buffer;
    // A tensor without elements may come without memory.
    const empty = extents.includes(0) && plan.edge === 'start';
    tensors[role] = empty ? { ...tensor, buffer: null, offset: 0 } : tensor;
  };
  const special = (role: Plan['specialIn'], rows: number, n: number) =>
    plan.specialIn === role ? patchOf(plan.special, rows, n) : [];

  const x = {
    ...plan.x,
    scale: heldScale(plan.x.scale, dtype),
    patches: special('x', batch * tokens * heads, headDim),
  };
  const inPlace = plan.aliasing === 'y is x';
  if (plan.aliasing === 'y beside x' && batch * tokens > 0) {
    const dim = plan.xLayout.kind === 'slice' ? plan.xLayout.dim : 2;
    const { buffer, first, second } = halves('x', dtype, shape, dim, placed(0));
    buffers.x = buffer;
    tensors.x = { ...first, data: x };
    tensors.y = second;
  } else {
    const xLayout = inPlace ? writable(plan.xLayout) : plan.xLayout;
    own('x', dtype, shape, strided(xLayout, shape), 0, x);
    if (inPlace) {
      const { data: _, ...view } = tensors.x;
      tensors.y = view;
    } else own('y', dtype, shape, strided(plan.yLayout, shape), 1);
  }

  const values = positionsOf(plan);
  const lie = strided(plan.positionsLayout, [plan.perBatch ? batch : 1, tokens]);
  const [places, strides] = plan.perBatch ? [[batch, tokens], lie.strides] : [[tokens], lie.strides.slice(1)];
  const data = recipe('list', { values: values.length > 0 ? values : [0] });
  own('positions', 'i32', places, { ...lie, strides }, 2, data);

  if (plan.tables) {
    const { seed, scale, spare, fused, data: kind } = plan.tables;
    const table = [Math.max(-1, ...values) + 1 + spare, rotaryDim / 2];
    const [c, s] =
      kind === 'circle'
        ? [recipe('cosine', { seed, scale }), recipe('sine', { seed, scale })]
        : [recipe(kind, { seed, scale }), recipe(kind, { seed: hash(seed, 1), scale })];
    const cos = { ...c, patches: special('cos', table[0], table[1]) };
    if (fused) {
      const { buffer, first, second } = halves('tables', 'f32', table, 1, placed(3));
      buffers.tables = buffer;
      tensors.cos = { ...first, data: cos };
      tensors.sin = { ...second, data: s };
    } else {
      own('cos', 'f32', table, strided(plan.cosLayout, table), 3, cos);
      own('sin', 'f32', table, strided(plan.sinLayout, table), 4, s);
    }
  }
  return {
    version: 1,
    op: 'rope',
    params: { rotaryDim, interleaved, theta, scaling },
    buffers,
    tensors,
    threads,
  };
}

function recipe(kind: Recipe['kind'], rest: Partial<Recipe>): Recipe {
  return { kind, seed: 0, scale: 1, patches: [], ...rest };
}
