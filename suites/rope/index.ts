/** The suite of RoPE. */

import { outputElements } from '../../src/case/case.ts';
import type { Suite } from '../suite.ts';
import { dimensions } from './dimensions.ts';
import { plans } from './fields.ts';
import { laws } from './laws.ts';
import { near } from './near.ts';
import { build, type Plan } from './plan.ts';
import { refusals } from './refusals.ts';
import { relations } from './relations.ts';
import { named, shapes } from './shapes.ts';

export const rope: Suite = {
  op: 'rope',
  plans,
  build: plan => build(plan as Plan),
  cost: outputElements,
  fieldNames: { 'positions.start': 'position', 'positions.order': 'order of positions' },
  near,
  named,
  relations,
  laws,
  refusals,
  dimensions,
  shapes,
};
