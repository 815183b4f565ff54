/** The suite of RMSNorm. */

import { outputElements } from '../../src/case/case.ts';
import type { Suite } from '../suite.ts';
import { dimensions } from './dimensions.ts';
import { near } from './near.ts';
import { build, type Plan, plans } from './plan.ts';
import { refusals } from './refusals.ts';
import { relations } from './relations.ts';
import { named, shapes } from './shapes.ts';

export const rmsNorm: Suite = {
  op: 'rms_norm',
  plans,
  build: plan => build(plan as Plan),
  cost: outputElements,
  near,
  named,
  relations,
  laws: [],
  refusals,
  dimensions,
  shapes,
};
