/** Attempts on changed cases: each case once, and so many in all. */

import { type Case, outputElements } from '../../case/case.ts';
import type { Breach } from '../property.ts';

/**
 * What comes of an attempt. `same`: the change makes no other case; `mute`: the property has nothing to say of it,
 * or it is too large to try; `spent`: no attempts are left.
 */
export type Outcome = 'fails' | 'holds' | 'same' | 'mute' | 'spent';

/** Attempts by how a case fails: one that ends a runner costs the start of another, a hang its time-out. */
const most = { answer: 120, crash: 60, hang: 6 } as const;
/** Elements of a case that is tried, at most, and of all together: a run takes its time from these. */
const mostElements = 1 << 14;
const mostElementsInAll = 1 << 19;

export class Attempts {
  readonly #build: (plan: unknown) => Case;
  readonly #ask: (c: Case) => 'held' | 'does not apply' | readonly Breach[];
  readonly #fatal: Breach['fatal'];
  readonly #known: Map<string, Outcome>;
  #left: number;
  #elements = mostElementsInAll;

  /** @param ask - asks the property of a case. */
  constructor(
    base: Case,
    fatal: Breach['fatal'],
    build: (plan: unknown) => Case,
    ask: (c: Case) => 'held' | 'does not apply' | readonly Breach[],
  ) {
    this.#build = build;
    this.#ask = ask;
    this.#fatal = fatal;
    this.#left = most[fatal ?? 'answer'];
    this.#known = new Map([[JSON.stringify(base), 'same']]);
  }

  /** Attempts so far. */
  get made(): number {
    return most[this.#fatal ?? 'answer'] - this.#left;
  }

  /** Whether the case of a plan is small enough to be tried. */
  fits(plan: unknown): boolean {
    return outputElements(this.#build(plan)) <= mostElements;
  }

  /** Whether the case of a plan fails like the base. */
  try(plan: unknown): Outcome {
    const c = this.#build(plan);
    const text = JSON.stringify(c);
    const known = this.#known.get(text);
    if (known) return known;
    const elements = outputElements(c);
    if (elements > mostElements) return 'mute';
    if (this.#left === 0 || elements > this.#elements) return 'spent';
    this.#left--;
    this.#elements -= elements;
    const answer = this.#ask(c);
    const outcome =
      typeof answer !== 'string'
        ? answer.some(breach => breach.fatal === this.#fatal)
          ? 'fails'
          : 'mute'
        : answer === 'held'
          ? 'holds'
          : 'mute';
    this.#known.set(text, outcome);
    return outcome;
  }
}
