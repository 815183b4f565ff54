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
    executed: [],
  };
}

/** Counts a property's answer. */
export function count(evidence: Evidence, property: string, held: boolean): void {
  evidence.properties[property] ??= { held: 0, failed: 0 };
  evidence.properties[property][held ? 'held' : 'failed']++;
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
  for (const id of part.executed) if (!sum.executed.includes(id)) sum.executed.push(id);
}

/** A breach of a property, at its place in the sequence. */
export interface Sighting {
  readonly kernel: string;
  readonly dtype: FloatDtype;
  readonly k: number;
  readonly breach: Breach;
}
