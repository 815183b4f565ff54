/** What is asked of the kernels of an op: a suite's relations, laws and refusals, and what every op has. */

import { suites } from '../../suites/index.ts';
import { commonRelations } from '../../suites/relations.ts';
import { stages } from '../../suites/stages.ts';
import type { Suite } from '../../suites/suite.ts';
import type { Op } from '../case/case.ts';
import { UsageError } from '../usage-error.ts';
import { codeIsOfItsTier } from './dispatch.ts';
import { law } from './law.ts';
import type { Property } from './property.ts';
import { refuses } from './refusal.ts';
import { relation, tiersAgree } from './relation.ts';
import { stage } from './stage.ts';

/** What costs no run is asked of every case. */
export const free: readonly Property[] = [tiersAgree, codeIsOfItsTier];

const common = [...commonRelations.map(relation), ...free];

const properties = new Map(
  suites.map(suite => {
    const { op, relations, laws, refusals } = suite;
    const staged = stages.map(each => stage(each, suite));
    return [op, [...staged, ...common, ...relations.map(relation), ...laws.map(law), refuses(refusals)]];
  }),
);

/** The properties of an op; those that every run is examined for need no asking (examine.ts). */
export function propertiesOf(op: Op): readonly Property[] {
  return properties.get(op) ?? [];
}

/** Ops that have a suite. */
export function hasSuite(op: Op): boolean {
  return suites.some(suite => suite.op === op);
}

/** The suite of an op. */
export function suiteOf(op: Op): Suite {
  const suite = suites.find(candidate => candidate.op === op);
  if (!suite) throw new UsageError(`there is no suite for ${op} yet`);
  return suite;
}
