/** Laws, asked of kernels and references that understand a call in the same way. */

import { expect } from 'vitest';
import { expectedOf } from '../../reference/index.ts';
import type { Case } from '../../src/case/case.ts';
import type { Bits } from '../../src/case/dtype.ts';
import { materialise } from '../../src/case/materialise.ts';
import { drawCase } from '../../src/check/generate.ts';
import { law } from '../../src/check/law.ts';
import type { Answer } from '../../src/check/property.ts';
import { fakeLab, kernel, ok, right } from '../../src/check/testing/fake-lab.ts';
import type { Law } from '../law.ts';
import type { Suite } from '../suite.ts';
import { brokenBy } from './contract.ts';

export type Inputs = Readonly<Record<string, Bits>>;

/** A misunderstanding of a call. */
export type Twist<C extends Case> = (c: C, inputs: Inputs) => { c: C; inputs: Inputs };

/** What a law says of a kernel, and of a reference, that both understand a call so. */
export function askLaw<C extends Case>(of: Law, base: C, twist: Twist<C>, run = right): Answer {
  const twisted = (c: Case) => twist(c as C, materialise(c).inputs);
  const lab = fakeLab({
    k: c => {
      const { c: call, inputs } = twisted(c);
      return ok(run(call, inputs));
    },
  });
  lab.expected = c => {
    const { c: call, inputs } = twisted(c);
    return expectedOf(call, inputs);
  };
  const subject = kernel('k', { op: base.op });
  return law(of).ask({ kernel: subject, case: base, lab, peers: [subject], together: [subject] });
}

/** Right kernels obey on what the suite draws, what laws ask keeps the contract, and each law is asked so often. */
export function expectObeyed(suite: Suite, laws: readonly Law[], cases: number, atLeast: number): void {
  const held = new Map(laws.map(({ name }) => [name, 0]));
  for (let k = 100; k < 100 + cases; k++) {
    const c = drawCase(suite, 3, k).case;
    for (const of of laws) {
      const { name } = of;
      const asked: Case[] = [];
      const answer = askLaw(of, c, (call, inputs) => {
        asked.push(call);
        return { c: call, inputs };
      });
      if (answer === 'does not apply') continue;
      expect(asked.map(brokenBy).filter(Boolean)).toEqual([]);
      expect({ k, name, answer }).toEqual({ k, name, answer: 'held' });
      held.set(name, held.get(name)! + 1);
    }
  }
  expect(Object.fromEntries([...held].filter(([, count]) => count <= atLeast))).toEqual({});
}
