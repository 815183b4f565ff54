/** Calls that differ from a case in one parameter. */

import { changesOf } from '../near.ts';

export const near = changesOf<'gqa'>(
  ({ scale }) => ({ scale: scale === 0 ? 1 : 2 * scale }),
  ({ softcap }) => ({ softcap: softcap === 0 ? 5 : 2 * softcap }),
  // A wider window could see blocks that the table does not have.
  ({ window }) => (window > 1 ? { window: window - 1 } : null),
  ({ causal, window }) => (window === 0 ? { causal: !causal } : null),
);
