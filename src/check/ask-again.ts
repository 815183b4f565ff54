/** Asks one property of one kernel on one case: for failures that are run again. */

import type { Case } from '../case/case.ts';
import { type Kernel, kernelId } from '../providers/provider.ts';
import type { Examiner } from './examiner.ts';
import type { Breach } from './property.ts';

/** What came of it. The breach may be of another property, which is broken instead. */
export type Again =
  | { readonly is: 'held' }
  | { readonly is: 'failed'; readonly breach: Breach }
  | { readonly is: 'not-asked'; readonly why: string };

export function askAgain(examiner: Examiner, kernel: Kernel, c: Case, property: string): Again {
  const answer = examiner.ask(kernel, c, property);
  if (answer === 'held') return { is: 'held' };
  if (answer !== 'does not apply') return { is: 'failed', breach: answer[0] };
  // What can't be asked any more does not hold: the kernel may break something before it comes to that.
  const { breaches, outcome } = examiner.examine(kernel, c);
  if (breaches.length > 0) return { is: 'failed', breach: breaches[0] };
  const why = outcome.is === 'ok' ? 'has nothing to say about' : `answers ${outcome.is} to`;
  return { is: 'not-asked', why: `${kernelId(kernel)} ${why} this case` };
}
