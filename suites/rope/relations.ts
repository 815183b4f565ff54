/**
 * What a token's rotation must not depend on.
 */

import { type Case, type CaseOf, countOf, type TensorSpec } from '../../src/case/case.ts';
import {
  at,
  blocksAt,
  inputsAreIndependent,
  isInPlace,
  onInput,
  type Place,
  permutation,
  pick,
  withTensors,
} from '../derive.ts';
import type { Derived, Relation } from '../suite.ts';

/** Those parts of a call that stand at these places of batch, tokens and heads, by themselves. */
function partOf(c: Case, places: readonly Place[]): Derived {
  const { x, y, positions } = c.tensors;
  // Of the places of x, positions have those of their own dimensions, which end with the tokens.
  const own = places.slice(2 - positions.shape.length, 2);
  const tensors = {
    x: at(x, places),
    y: at(y, places),
    positions: own.every(place => place === 'all') ? positions : at(positions, own),
  };
  return { case: withTensors(c, tensors), rows: blocksAt(x.shape, places) };
}

/** A part of what has several, drawn. */
function alone(
  name: string,
  says: string,
  places: (shape: readonly number[], draw: (n: number) => number) => readonly Place[] | null,
): Relation {
  return {
    name,
    says,
    owed: ['batch'],
    derive: (c, draw) => {
      const { x } = c.tensors;
      if (x.buffer === null || countOf(x.shape) === 0 || !inputsAreIndependent(c)) return null;
      const chosen = places(x.shape, draw);
      return chosen && partOf(c, chosen);
    },
  };
}

/** Parameters that make no sense, for who must not look at them. */
const nonsense = {
  theta: 0,
  scaling: {
    type: 'yarn',
    factor: -1,
    betaFast: 0,
    betaSlow: 0,
    attentionFactor: 1e6,
    originalMaxPositions: 0,
  },
} as const satisfies Partial<CaseOf<'rope'>['params']>;

export const relations: readonly Relation[] = [
  alone('batch alone', 'every batch goes by its own positions, whatever stands beside it', ([batch], draw) =>
    batch > 1 ? [draw(batch)] : null,
  ),
  alone('token alone', 'a token does not depend on the tokens beside it', ([batch, tokens], draw) =>
    batch * tokens > 1 ? [draw(batch), draw(tokens)] : null,
  ),
  alone('head alone', 'a head does not depend on the heads beside it', ([, , heads], draw) =>
    heads > 1 ? ['all', 'all', draw(heads)] : null,
  ),
  {
    name: 'token order',
    says: 'permuting tokens and their positions permutes the outputs',
    owed: ['batch'],
    about: ['tokens', 'positions'],
    derive: (c, draw) => {
      const { x, positions } = c.tensors;
      const [batch, tokens, heads, headDim] = x.shape;
      if (batch * tokens * heads === 0 || tokens < 2 || !inputsAreIndependent(c)) return null;
      const order = permutation(tokens, draw);
      const inBatches = (count: number) =>
        Array.from({ length: count }, (_, b) => order.map(t => b * tokens + t)).flat();
      const reordered = (tensor: TensorSpec, blocks: readonly number[], blockLength: number) =>
        ({ ...tensor, data: tensor.data && pick(tensor.data, blocks, blockLength) }) satisfies TensorSpec;
      const tensors = {
        x: reordered(x, inBatches(batch), heads * headDim),
        positions: reordered(positions, inBatches(positions.shape.length === 1 ? 1 : batch), 1),
      };
      return { case: withTensors(c, tensors), rows: inBatches(batch) };
    },
  },
  {
    name: 'in place',
    says: 'y on x gives what separate memory gives',
    owed: ['placement'],
    about: ['aliasing', 'layout'],
    derive: c => {
      if (isInPlace(c) || !inputsAreIndependent(c) || c.tensors.x.buffer === null) return null;
      return { case: withTensors(c, { y: onInput(c, 'x') }) };
    },
  },
  {
    name: 'tables alone',
    says: 'with tables, theta, scaling and attention factor are not looked at',
    owed: 'everyone',
    about: ['position'],
    derive: c =>
      c.op === 'rope' && c.tensors.cos ? { case: { ...c, params: { ...c.params, ...nonsense } } } : null,
  },
];
