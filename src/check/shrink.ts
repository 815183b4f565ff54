/**
 * From a failing case to the smallest one that still fails the same way in the same cell.
 */

import { type Case, cellDtype, outputElements } from '../case/case.ts';
import { defaultPatience } from '../providers/host.ts';
import type { Sighting } from './evidence.ts';
import type { Explained } from './explain/explain.ts';
import type { Drawn } from './generate.ts';
import type { Breach } from './property.ts';

export interface Shrunk {
  readonly case: Case;
  /** The plan of the case, where it was built of one. */
  readonly plan?: unknown;
  readonly breach: Breach;
  readonly steps: number;
  readonly runs: number;
  readonly fromElements: number;
  readonly toElements: number;
  /** What it turns on (explain/explain.ts); absent where nobody asked. */
  readonly explained?: Explained;
}

/** Cases tried at most. A hang costs its time-out each time. */
const mostRuns = { answer: 400, crash: 200, hang: 20 } as const;
/** Steps to a plainer plan of the same case, at most. */
const mostPlainer = 200;
/** Milliseconds before a smaller case counts as hung too; the result is confirmed with the full time. */
export const shortPatience = 300;

/**
 * Walks down as long as a smaller case fails.
 *
 * @param ask - the breach of the same property, or undefined where it holds.
 */
export function shrink(
  first: Drawn,
  { breach: seen, dtype }: Sighting,
  ask: (c: Case, patience: number) => Breach | undefined,
): Shrunk {
  // The last run of a hang is for the result, with the full time.
  const budget = mostRuns[seen.fatal ?? 'answer'] - (seen.fatal === 'hang' ? 1 : 0);
  const patience = seen.fatal === 'hang' ? shortPatience : defaultPatience;
  let [best, breach, steps, runs] = [first, seen, 0, 0];
  let plainer = 0;
  const tried = new Set([JSON.stringify(first.case)]);
  for (let found = true; found && runs < budget; ) {
    found = false;
    for (const smaller of best.smaller()) {
      if (runs >= budget) break;
      const text = JSON.stringify(smaller.case);
      // A plainer plan of the same case: no run, and what says nothing is out of the way.
      if (smaller.plan !== undefined && text === JSON.stringify(best.case) && plainer < mostPlainer) {
        [best, found] = [smaller, true];
        plainer++;
        break;
      }
      if (cellDtype(smaller.case) !== dtype || tried.has(text)) continue;
      tried.add(text);
      runs++;
      const still = ask(smaller.case, patience);
      if (!still || still.fatal !== seen.fatal) continue;
      [best, breach, found] = [smaller, still, true];
      steps++;
      break;
    }
  }
  if (steps > 0 && seen.fatal === 'hang') {
    const confirmed = ask(best.case, defaultPatience);
    runs++;
    if (confirmed?.fatal === 'hang') breach = confirmed;
    else [best, breach, steps] = [first, seen, 0];
  }
  return {
    case: best.case,
    plan: best.plan,
    breach,
    steps,
    runs,
    fromElements: outputElements(first.case),
    toElements: outputElements(best.case),
  };
}
