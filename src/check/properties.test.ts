/** What properties turn on is named as dimensions are: a name that no dimension has would be passed over in silence. */

import { expect, test } from 'vitest';
import { suites } from '../../suites/index.ts';
import { propertiesOf } from './properties.ts';

const namesOf = (suite: (typeof suites)[number]) => suite.dimensions.map(({ name }) => name);
const everywhere = new Set(suites.flatMap(namesOf));

test.each(suites)('of $op', suite => {
  const own = new Set(namesOf(suite));
  expect(suite.relations.flatMap(({ about = [] }) => about).filter(name => !own.has(name))).toEqual([]);
  // What is common to all ops may turn on what one of them has.
  const about = propertiesOf(suite.op).flatMap(property => property.about ?? []);
  expect(about.length).toBeGreaterThan(0);
  expect(about.filter(name => !everywhere.has(name))).toEqual([]);
});
