/** The suites of all ops: one line each. */

import { gqa } from './gqa/index.ts';
import { rmsNorm } from './rms_norm/index.ts';
import { rope } from './rope/index.ts';
import type { Suite } from './suite.ts';

export const suites: readonly Suite[] = [rmsNorm, rope, gqa];
