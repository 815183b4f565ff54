/** Calls that differ from a case in one parameter. */

import { changesOf, type Params } from '../near.ts';

type Scaling = Params<'rope'>['scaling'];
type Scaled<T extends Scaling['type']> = Extract<Scaling, { type: T }>;

/** Twice a number of a scaling of these types. */
function twice<T extends Scaling['type']>(types: readonly T[], field: keyof Scaled<T>) {
  return ({ scaling }: Params<'rope'>): Partial<Params<'rope'>> | null => {
    if (!types.includes(scaling.type as T)) return null;
    const value = (scaling as Scaled<T>)[field] as number;
    return { scaling: { ...scaling, [field]: 2 * value } };
  };
}

export const near = changesOf<'rope'>(
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
);
