/** The suite of GQA. */

import type { Suite } from '../suite.ts';
import { build } from './build.ts';
import { cost } from './cost.ts';
import { plans } from './deals.ts';
import { dimensions } from './dimensions.ts';
import { laws } from './laws.ts';
import { near } from './near.ts';
import type { Plan } from './plan.ts';
import { refusals } from './refusals.ts';
import { relations } from './relations.ts';
import { named, shapes } from './shapes.ts';

export const gqa: Suite = {
  op: 'gqa',
  plans,
  build: plan => build(plan as Plan),
  cost,
  near,
  named,
  relations,
  laws,
  refusals,
  dimensions,
  shapes,
};
