/** Asks one property of one kernel on one case, as often as it takes to fail: for failures that are run again. */

import type { Case } from '../case/case.ts';
import { type Kernel, kernelId } from '../providers/provider.ts';
import type { Examiner } from './examiner.ts';
import type { Breach } from './property.ts';

/** What came of it. The breach may be of another property, which is broken instead. */
export type Again =
  | { readonly is: 'held' }
  | { readonly is: 'failed'; readonly breach: Breach }
  | { readonly is: 'not-asked'; readonly why: string };

/** Times that it must hold: what threads do to each other shows in some calls only. */
const times = 5;

export function askAgain(examiner: Examiner, kernel: Kernel, c: Case, property: string): Again {
  let answer = examiner.ask(kernel, c, property);
  for (let time = 1; time < times && answer === 'held'; time++) {
    examiner.lab.clear();
    answer = examiner.ask(kernel, c, property);
  }
  if (answer === 'held') return { is: 'held' };
  if (answer !== 'does not apply') return { is: 'failed', breach: answer[0] };
  // What can't be asked any more does not hold: the kernel may break something before it comes to that.
  const { breaches, outcome } = examiner.examine(kernel, c);
  if (breaches.length > 0) return { is: 'failed', breach: breaches[0] };
  const why = outcome.is === 'ok' ? 'has nothing to say about' : `answers ${outcome.is} to`;
  return { is: 'not-asked', why: `${kernelId(kernel)} ${why} this case` };
}
