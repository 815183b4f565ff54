/** Calls that differ from a case in one parameter. */

import { changesOf } from '../near.ts';

export const near = changesOf<'rms_norm'>(
  ({ eps }) => ({ eps: eps === 0 ? 0.25 : 4 * eps }),
  ({ weightOffset }) => ({ weightOffset: 1 - weightOffset }),
  ({ roundBeforeWeight }) => ({ roundBeforeWeight: !roundBeforeWeight }),
);
