/** Ways to break RMSNorm's own contract, beside what all ops share. */

import { type Case, countOf } from '../../src/case/case.ts';
import { sameView, withTensors } from '../derive.ts';
import { commonRefusals, laidOn, without } from '../refusals.ts';
import type { Refusal } from '../suite.ts';

function withEps(c: Case, eps: number): Case | null {
  return c.op === 'rms_norm' ? { ...c, params: { ...c.params, eps } } : null;
}

/** Lays one output on a tensor that it may not share, where both have elements. */
function onForeign(output: string, other: string): Refusal['of'] {
  return c => {
    const [a, b] = [c.tensors[output], c.tensors[other]];
    if (!a || !b || countOf(a.shape) === 0 || a.shape.join() !== b.shape.join()) return null;
    // Repeated elements would break the rule of nesting instead.
    return b.strides.some((stride, d) => stride === 0 && b.shape[d] > 1) ? null : laidOn(c, output, other, 0);
  };
}

export const refusals: readonly Refusal[] = [
  ...commonRefusals('rms_norm', 2),
  { what: 'eps is negative', of: c => withEps(c, -1e-5) },
  { what: 'eps is NaN', of: c => ({ ...c, lie: { nan: 'eps' } }) },
  {
    what: 'n is 0',
    of: c => {
      const empty = Object.entries(c.tensors).map(([role, tensor]) => [
        role,
        { ...tensor, shape: [...tensor.shape.slice(0, -1), 0] },
      ]);
      return { ...c, tensors: Object.fromEntries(empty) };
    },
  },
  {
    what: 'residualOut without residual',
    of: c =>
      c.tensors.residualOut && !sameView(c.tensors.residualOut, c.tensors.residual)
        ? without(c, 'residual')
        : null,
  },
  {
    what: 'the weight is one element longer than a row',
    of: c => {
      const { weight } = c.tensors;
      return weight ? withTensors(c, { weight: { ...weight, shape: [weight.shape[0] + 1] } }) : null;
    },
  },
  {
    what: 'the residual has one more row than x',
    of: c => {
      const { residual, x } = c.tensors;
      if (
        !residual ||
        residual.buffer === null ||
        residual.buffer === x.buffer ||
        c.buffers[residual.buffer].sparse
      )
        return null;
      const taller = { ...residual, shape: [residual.shape[0] + 1, residual.shape[1]] };
      return withTensors(c, { residual: taller });
    },
  },
  { what: 'y lies on the residual', of: onForeign('y', 'residual') },
  { what: 'residualOut lies on x', of: onForeign('residualOut', 'x') },
  { what: 'y and residualOut are one', of: onForeign('y', 'residualOut') },
];
