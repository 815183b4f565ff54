/** Calls that differ from a case in one parameter, or in their lengths. */

import type { Case } from '../../src/case/case.ts';
import { withTensors } from '../derive.ts';
import { changesOf } from '../near.ts';

/** Half of all lengths. In pages a window would then see blocks that the table does not have. */
function shorter(c: Case): Case | null {
  const { kvLen, blockTable } = c.tensors;
  const values = kvLen?.data?.values;
  if (!values?.some(length => length > 0) || blockTable) return null;
  const data = { ...kvLen.data!, values: values.map(length => length >> 1) };
  return withTensors(c, { kvLen: { ...kvLen, data } });
}

export const near = [
  ...changesOf<'gqa'>(
    ({ scale }) => ({ scale: scale === 0 ? 1 : 2 * scale }),
    ({ softcap }) => ({ softcap: softcap === 0 ? 5 : 2 * softcap }),
    // A wider window could see blocks that the table does not have.
    ({ window }) => (window > 1 ? { window: window - 1 } : null),
    ({ causal, window }) => (window === 0 ? { causal: !causal } : null),
  ),
  shorter,
];
