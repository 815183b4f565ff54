/**
 * Calls that differ from a case in one parameter and in nothing else. What a kernel keeps between calls and finds
 * again by too little, it finds again there; drawn cases differ in so much that almost any key tells them apart.
 */

import type { Case, CaseOf, Op } from '../src/case/case.ts';
import type { Stage } from './stages.ts';

type Params<O extends Op> = CaseOf<O>['params'];
/** Another value of one parameter; null where this case leaves no other that is valid. */
type Change<O extends Op> = (params: Params<O>, c: CaseOf<O>) => Partial<Params<O>> | null;
type Scaling = Params<'rope'>['scaling'];
type Scaled<T extends Scaling['type']> = Extract<Scaling, { type: T }>;

/** Twice a number of a scaling of these types. */
function twice<T extends Scaling['type']>(types: readonly T[], field: keyof Scaled<T>): Change<'rope'> {
  return ({ scaling }) => {
    if (!types.includes(scaling.type as T)) return null;
    const value = (scaling as Scaled<T>)[field] as number;
    return { scaling: { ...scaling, [field]: 2 * value } };
  };
}

const changes: { readonly [O in Op]: readonly Change<O>[] } = {
  rms_norm: [
    ({ eps }) => ({ eps: eps === 0 ? 0.25 : 4 * eps }),
    ({ weightOffset }) => ({ weightOffset: 1 - weightOffset }),
    ({ roundBeforeWeight }) => ({ roundBeforeWeight: !roundBeforeWeight }),
  ],
  rope: [
    ({ theta }) => ({ theta: 2 * theta }),
    ({ interleaved }) => ({ interleaved: !interleaved }),
    // Tables are as wide as the rotation.
    ({ rotaryDim }, c) => (rotaryDim >= 2 && !c.tensors.cos ? { rotaryDim: rotaryDim - 2 } : null),
    ({ scaling: { type } }) => (type === 'none' ? { scaling: { type: 'linear', factor: 2 } } : null),
    twice(['linear', 'llama3', 'yarn'], 'factor'),
    twice(['llama3', 'yarn'], 'originalMaxPositions'),
    twice(['llama3'], 'highFreqFactor'),
    twice(['yarn'], 'betaFast'),
    twice(['yarn'], 'attentionFactor'),
  ],
  gqa: [
    ({ scale }) => ({ scale: scale === 0 ? 1 : 2 * scale }),
    ({ softcap }) => ({ softcap: softcap === 0 ? 5 : 2 * softcap }),
    // A wider window could see blocks that the table does not have.
    ({ window }) => (window > 1 ? { window: window - 1 } : null),
    ({ causal, window }) => (window === 0 ? { causal: !causal } : null),
  ],
};

/** The case with one parameter changed, drawn. */
export function near(c: Case, draw: (n: number) => number): Case {
  const made = (changes[c.op] as readonly Change<Op>[]).flatMap(change => change(c.params, c as never) ?? []);
  return { ...c, params: { ...c.params, ...made[draw(made.length)] } } as Case;
}

export const afterANearOne: Stage = {
  name: 'after a near one',
  says: 'after a call that differs in one parameter alone, what this one says',
  ways: 2,
  // The near call comes second: the case itself was made before, and what is kept of it answers the near one.
  of: (c, draw) => {
    const other = { case: near(c, draw), manner: {} };
    return draw(2) ? { ...other, inItsPlace: c } : { ...other, before: [c] };
  },
};
