/**
 * A finding explains itself: which fields of its smallest case may change while it still fails, where along the
 * ordered ones it begins, and what other tiers of the kernel make of it. Bounded by counts, so that the same
 * finding has the same explanation everywhere.
 */

import { withPoison } from '../../../suites/derive.ts';
import { type Case, outputsOf } from '../../case/case.ts';
import { type FloatDtype, firstDifference } from '../../case/dtype.ts';
import { type Kernel, kernelId } from '../../providers/provider.ts';
import type { Explanation } from '../../run/document.ts';
import type { Lab } from '../lab.ts';
import type { Answer, Breach } from '../property.ts';
import type { Shrunk } from '../shrink.ts';
import { Attempts } from './attempts.ts';
import { agreement, type Field, fieldsOf, isOrdered, wordOf } from './fields.ts';
import { Line } from './threshold.ts';

/** Without what failing cases share: that is known only when all cases are. */
export type Explained = Omit<Explanation, 'shares'>;

/** Whom to ask, and what plans there are. */
export interface Inquiry {
  readonly build: (plan: unknown) => Case;
  /** Names of fields in words. */
  readonly names: Readonly<Record<string, string>>;
  /** Plans of the same suite: what values fields take. */
  readonly samples: () => readonly unknown[];
  /** Plans of other cases that fail. */
  readonly failing: () => readonly unknown[];
  readonly ask: (kernel: Kernel, c: Case) => Answer;
  readonly lab: Lab;
}

/** Other values of a field without order that are tried, at most. */
const valuesTried = 8;

export function explain(
  kernel: Kernel,
  shrunk: Shrunk,
  siblings: readonly Kernel[],
  inquiry: Inquiry,
): Explained {
  const { case: base, breach, plan } = shrunk;
  const tiers = siblings.map(sibling => tierOf(kernel, sibling, base, breach, inquiry));
  const { build, samples, names } = inquiry;
  const has = plan !== undefined;
  const attempts = new Attempts(base, breach.fatal, has ? build : c => rebuilt(base, c), c => {
    inquiry.lab.clear();
    return answerOf(kernel, c, inquiry);
  });
  const all = has
    ? fieldsOf(plan, samples(), inquiry.failing())
    : fieldsOf(plainPlan(base), samples().map(build).map(plainPlan), []);
  const lines = all.filter(isOrdered).map(field => new Line(field, attempts));
  const others = all.filter(field => !isOrdered(field)).map(field => new Change(field, attempts));
  for (const line of lines) line.ends();
  for (const other of others) other.tryNext();
  for (const line of lines) line.bisect();
  for (let i = 1; i < valuesTried; i++) for (const other of others) other.tryNext();
  for (const line of lines) line.between();
  const named = <T extends { readonly name: string }>(seen: T): T => ({
    ...seen,
    name: names[seen.name] ?? seen.name,
  });
  return {
    attempts: attempts.made,
    fields: others.flatMap(other => other.seen() ?? []).map(named),
    thresholds: lines.flatMap(line => line.threshold() ?? []).map(named),
    tiers,
  };
}

/** What may be changed of any case, whatever it was made of. */
function plainPlan({ threads, buffers }: Case) {
  return { threads, poison: Object.values(buffers)[0]?.poison };
}

function rebuilt(base: Case, plan: unknown): Case {
  const { threads, poison } = plan as ReturnType<typeof plainPlan>;
  return withPoison({ ...base, threads }, poison);
}

/** A field without order, and which of its values fail. */
class Change {
  readonly #field: Field;
  readonly #attempts: Attempts;
  readonly #fails: string[] = [];
  readonly #holds: string[] = [];
  /** Values that make no other case: it fails with them too, which says nothing about the field. */
  readonly #same: string[] = [];
  #next = 0;
  #mute = 0;

  constructor(field: Field, attempts: Attempts) {
    this.#field = field;
    this.#attempts = attempts;
  }

  tryNext(): void {
    while (this.#next < this.#field.others.length && this.#mute < valuesTried) {
      const value = this.#field.others[this.#next++];
      const is = this.#attempts.try(this.#field.with(value));
      if (is === 'same') this.#same.push(wordOf(value));
      if (is === 'mute') this.#mute++;
      // What changes nothing, or has no answer, says nothing: the next one may.
      if (is === 'same' || is === 'mute') continue;
      if (is !== 'spent') (is === 'fails' ? this.#fails : this.#holds).push(wordOf(value));
      return;
    }
  }

  seen(): Explained['fields'][number] | undefined {
    if (this.#fails.length + this.#holds.length === 0) return undefined;
    const fails = [...new Set([...this.#fails, ...this.#same])];
    const holds = [...new Set(this.#holds)];
    const { name } = this.#field;
    const value = wordOf(this.#field.value);
    const agrees = (one: unknown) => wordOf(one) === value || fails.includes(wordOf(one));
    return { name, value, fails, holds, ...agreement(this.#field, agrees) };
  }
}

/** What comes of asking; a kernel that declines a case has survived it, and shows nothing. */
function answerOf(kernel: Kernel, c: Case, { ask, lab }: Inquiry): Answer {
  const answer = ask(kernel, c);
  return answer === 'held' && lab.run(kernel, c).is === 'unsupported' ? 'does not apply' : answer;
}

/** What another tier of the kernel makes of the smallest case. */
function tierOf(
  kernel: Kernel,
  sibling: Kernel,
  c: Case,
  breach: Breach,
  inquiry: Inquiry,
): Explained['tiers'][number] {
  const { lab } = inquiry;
  lab.clear();
  const answer = answerOf(sibling, c, inquiry);
  const { tier } = sibling;
  if (answer === 'held') return { tier, is: 'holds' };
  if (answer === 'does not apply') return { tier, is: 'not asked' };
  if (breach.fatal || answer[0].fatal) {
    return { tier, is: breach.fatal === answer[0].fatal ? 'fails alike' : 'fails otherwise' };
  }
  const [mine, theirs] = [kernel, sibling].map(one => lab.run(one, c));
  if (mine.is !== 'ok' || theirs.is !== 'ok') {
    return { tier, is: mine.is === theirs.is ? 'fails alike' : 'fails otherwise' };
  }
  const same = outputsOf(c).every(
    role =>
      firstDifference(mine.outputs[role], theirs.outputs[role], c.tensors[role].dtype as FloatDtype) < 0,
  );
  return { tier, is: same ? 'same bits' : 'fails otherwise' };
}

/** The other tiers of a kernel. */
export function siblingsOf(kernel: Kernel, kernels: readonly Kernel[]): Kernel[] {
  return kernels.filter(
    ({ provider, op, name, tier }) =>
      kernelId({ provider, op, name, tier: kernel.tier }) === kernelId(kernel) && tier !== kernel.tier,
  );
}
