/**
 * Evidence: what was executed and seen, by cell. Sums, so that parts made anywhere add up to the same whole.
 */

import type { Judgement } from '../../reference/judge.ts';
import type { FloatDtype } from '../case/dtype.ts';
import { ratioLimit } from '../run/document.ts';
import type { Breach } from './property.ts';

/** A property's answers. */
export interface Tally {
  held: number;
  failed: number;
}

/** Numbers of cases, 32 to a word: bit k % 32 of word k / 32. Small, as there are many cases and cells. */
export type Moments = Record<number, number>;

export interface When {
  asked: Moments;
  failed: Moments;
}

/** What one kernel showed on the cases of one type. */
export interface Evidence {
  cases: number;
  elements: number;
  telling: number;
  supported: number;
  asked: number;
  worst: { ratio: number; k: number } | null;
  precision: number | null;
  properties: Record<string, Tally>;
  /** Of which cases of the sequence each property was asked, and where it failed. */
  when: Record<string, When>;
  executed: string[];
}

/** Key of a cell: kernel id and type. */
export type CellKey = `${string}#${FloatDtype}`;

export function noEvidence(): Evidence {
  return {
    cases: 0,
    elements: 0,
    telling: 0,
    supported: 0,
    asked: 0,
    worst: null,
    precision: null,
    properties: {},
    when: {},
    executed: [],
  };
}

/** Counts a property's answer; k: to which case of the sequence, where it is one. */
export function count(evidence: Evidence, property: string, held: boolean, k?: number): void {
  evidence.properties[property] ??= { held: 0, failed: 0 };
  evidence.properties[property][held ? 'held' : 'failed']++;
  if (k === undefined) return;
  evidence.when[property] ??= { asked: {}, failed: {} };
  const { asked, failed } = evidence.when[property];
  note(asked, k >>> 5, 1 << (k & 31));
  if (!held) note(failed, k >>> 5, 1 << (k & 31));
}

function note(moments: Moments, word: number, bits: number): void {
  moments[word] = (moments[word] ?? 0) | bits;
}

/** The cases that moments name, ascending. */
export function* casesOf(moments: Moments): Iterable<number> {
  for (const word of Object.keys(moments).map(Number)) {
    for (let bit = 0; bit < 32; bit++) if (moments[word] & (1 << bit)) yield word * 32 + bit;
  }
}

/** Counts what the judge saw of case k. */
export function weigh(evidence: Evidence, judgements: readonly Judgement[], k: number): void {
  for (const { elements, informative, worst, precision } of judgements) {
    evidence.elements += elements;
    evidence.telling += informative;
    if (worst) {
      const ratio = Math.min(worst.ratio, ratioLimit);
      if (!evidence.worst || ratio > evidence.worst.ratio) evidence.worst = { ratio, k };
    }
    if (precision !== undefined)
      evidence.precision = Math.max(evidence.precision ?? 0, Math.min(precision, ratioLimit));
  }
}

/** Adds a later part to an earlier one. */
export function add(sum: Evidence, part: Evidence): void {
  sum.cases += part.cases;
  sum.elements += part.elements;
  sum.telling += part.telling;
  sum.supported += part.supported;
  sum.asked += part.asked;
  if (part.worst && (!sum.worst || part.worst.ratio > sum.worst.ratio)) sum.worst = part.worst;
  if (part.precision !== null) sum.precision = Math.max(sum.precision ?? 0, part.precision);
  for (const [name, { held, failed }] of Object.entries(part.properties)) {
    sum.properties[name] ??= { held: 0, failed: 0 };
    sum.properties[name].held += held;
    sum.properties[name].failed += failed;
  }
  for (const [name, { asked, failed }] of Object.entries(part.when)) {
    sum.when[name] ??= { asked: {}, failed: {} };
    for (const [word, bits] of Object.entries(asked)) note(sum.when[name].asked, Number(word), bits);
    for (const [word, bits] of Object.entries(failed)) note(sum.when[name].failed, Number(word), bits);
  }
  for (const id of part.executed) if (!sum.executed.includes(id)) sum.executed.push(id);
}

/** A breach of a property, at its place in the sequence. */
export interface Sighting {
  readonly kernel: string;
  readonly dtype: FloatDtype;
  readonly k: number;
  readonly breach: Breach;
  /** Its case was not built of a plan: it shrinks less, and less of it can be changed. */
  readonly planless?: true;
}
