/** The suite of RMSNorm. */

import { refuses } from '../../src/check/refusal.ts';
import { relation } from '../../src/check/relation.ts';
import { commonProperties } from '../relations.ts';
import type { Suite } from '../suite.ts';
import { dimensions } from './dimensions.ts';
import { build, type Plan, plans } from './plan.ts';
import { refusals } from './refusals.ts';
import { relations } from './relations.ts';
import { named, shapes } from './shapes.ts';

export const rmsNorm: Suite = {
  op: 'rms_norm',
  plans,
  build: plan => build(plan as Plan),
  named,
  properties: [...commonProperties, ...relations.map(relation), refuses(refusals)],
  dimensions,
  shapes,
};
