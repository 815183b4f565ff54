/** Calls of GQA whose data is given by value: for tests that say what comes of which numbers. */

import { type Bits, encodeAll } from '../../src/case/dtype.ts';
import { inputBits } from '../../src/case/materialise.ts';
import type { Numerics } from '../../src/case/numerics.ts';
import type { Expected } from '../expected.ts';
import { expectedOf } from '../index.ts';
import { gqaCase, type Wanted } from './gqa_cases.ts';

type Role = 'q' | 'k' | 'v' | 'mask';

/** A call whose data is given by value, where it is not what `gqaCase` makes. */
export interface Call extends Omit<Wanted, Role> {
  readonly values?: Partial<Record<Role, readonly number[]>>;
  readonly numerics?: Numerics;
}

export function inputsOf({ values = {}, numerics: _, ...wanted }: Call) {
  const c = gqaCase({ ...wanted, ...(values.mask && { mask: { kind: 'zeros' } }) });
  const inputs: Record<string, Bits> = inputBits(c);
  for (const role of Object.keys(values) as Role[]) {
    inputs[role] = encodeAll(Float64Array.from(values[role]!), c.tensors[role].dtype);
  }
  return { c, inputs };
}

export function expectedOfCall(call: Call, rows?: readonly number[]): Expected {
  const { c, inputs } = inputsOf(call);
  return expectedOf(c, inputs, rows, call.numerics)[0];
}

/** One query and head whose scores are `scores` (q is 1, k is the scores) and whose values are `values`. */
export function row(scores: readonly number[], values: readonly number[], rest: Partial<Call> = {}): Call {
  const headDim = values.length / scores.length;
  const widen = (list: readonly number[]) => list.flatMap(x => [x, ...new Array(headDim - 1).fill(0)]);
  return {
    keys: scores.length,
    headDim,
    scale: 1,
    ...rest,
    values: { q: widen([1]), k: widen(scores), v: values, ...rest.values },
  };
}
