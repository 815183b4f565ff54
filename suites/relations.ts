/**
 * Relations that hold for every op: what a result must not depend on.
 */

import { poisons } from '../src/case/case.ts';
import { inputsAreIndependent, plainly, withPoison } from './derive.ts';
import { threadCounts } from './stages.ts';
import type { Relation } from './suite.ts';

export const commonRelations: readonly Relation[] = [
  {
    name: 'poison',
    says: 'what stands in gaps and in outputs before the call changes no bit',
    owed: 'everyone',
    derive: (c, draw) => {
      const now = new Set(Object.values(c.buffers).map(buffer => buffer.poison));
      const others = poisons.filter(poison => !now.has(poison));
      return others.length ? { case: withPoison(c, others[draw(others.length)]) } : null;
    },
  },
  {
    name: 'threads',
    says: 'the number of threads changes nothing',
    owed: ['threads'],
    about: ['threads', 'sums by threads'],
    derive: (c, draw) => {
      const others = threadCounts.filter(count => count !== c.threads);
      return { case: { ...c, threads: others[draw(others.length)] } };
    },
  },
  {
    name: 'placement',
    says: 'strides, alignment and where memory ends change nothing',
    owed: ['placement'],
    about: ['layout'],
    derive: (c, draw) =>
      inputsAreIndependent(c) ? { case: plainly(c, draw(2) ? 'start' : 'end', draw(16)) } : null,
  },
];
