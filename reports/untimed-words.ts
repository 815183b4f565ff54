/** What was not timed, in words: by reason, then by shape, whom it concerns and how long a call takes. */

import type { Run, Untimed } from '../src/run/document.ts';
import { duration, list } from './format.ts';
import { distinct, grouped } from './ledger.ts';

/** A shape that kernels were not timed at. */
export interface Gap {
  /** `gqa Llama-3.1-8B prefill of 2048`. */
  readonly shape: string;
  readonly size: string;
  /** `scalar and sse2 in f32 and f16`; several kernels with their names. */
  readonly who: string;
  /** `1.20 s to 7.82 s a call`; empty where it is not known. */
  readonly takes: string;
}

/** The gaps of a run that have one reason. */
export interface Gaps {
  readonly reason: string;
  readonly gaps: readonly Gap[];
}

/** All gaps of a run, each reason once, in the run's order. */
export function gapsOf({ timings, untimed }: Pick<Run, 'timings' | 'untimed'>): Gaps[] {
  const shapeOf = ({ op, shape, size }: Pick<Untimed, 'op' | 'shape' | 'size'>) =>
    JSON.stringify([op, shape, size]);
  const timed = new Set(timings.map(shapeOf));
  return [...grouped(untimed, ({ reason }) => reason)].map(([reason, concerned]) => ({
    reason,
    gaps: [...grouped(concerned, shapeOf)].map(([key, at]) => ({
      shape: `${at[0].op} ${at[0].shape}`,
      size: at[0].size,
      who: timed.has(key) ? whoseWords(at) : 'all kernels',
      takes: takesWords(at),
    })),
  }));
}

/** A gap in one line. */
export function gapWords({ shape, size, who, takes }: Gap): string {
  return `${shape} (${size}): ${who}${takes && `, ${takes}`}`;
}

function whoseWords(at: readonly Untimed[]): string {
  const kernels = grouped(at, ({ kernel }) => (kernel ? `${kernel.provider} ${kernel.kernel}` : 'its roof'));
  return [...kernels].map(([name, own]) => `${name} ${cellsWords(own)}`).join('; ');
}

/** `scalar and sse2 in f32 and f16, avx2 in f32`: tiers with the same types together. */
function cellsWords(own: readonly Untimed[]): string {
  const byTier = grouped(own, ({ kernel }) => kernel?.tier ?? '');
  const typesOf = ([, of]: [string, Untimed[]]) => list(distinct(of.map(({ dtype }) => dtype)));
  return [...grouped(byTier, typesOf)]
    .map(([types, tiers]) => `${list(tiers.map(([tier]) => tier))} in ${types}`.trim())
    .join(', ');
}

function takesWords(at: readonly Untimed[]): string {
  const known = at.flatMap(({ takes }) => takes ?? []);
  if (known.length === 0) return '';
  const ends = distinct([Math.min(...known), Math.max(...known)].map(duration));
  return `about ${ends.join(' to ')} a call`;
}
