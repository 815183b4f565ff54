/** Samples in a few figures. */

import { Bench } from 'tinybench';
import { fewestForQuartiles } from '../run/document.ts';

export interface Figures {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Median and quartiles of samples in nanoseconds; of few samples, the least and the greatest instead. tinybench
 * counts in milliseconds.
 */
export function figuresOf(samples: readonly number[]): Figures {
  let next = 0;
  const holder = new Bench({ time: 0, iterations: samples.length, warmup: false, retainSamples: true });
  // Told, not found out: to find out it would take the first sample, and then time a call that has none.
  const fn = () => ({ overriddenDuration: samples[next++] / 1e6 });
  holder.add('samples', fn, { async: false });
  const [task] = holder.runSync();
  if (task.result.state !== 'completed') throw new Error(`tinybench ended as ${task.result.state}`);
  if (next !== samples.length) throw new Error(`tinybench took ${next} of ${samples.length} samples`);
  const { min, max, p50, p75, samples: sorted } = task.result.latency;
  const quartile = sorted?.[Math.floor((sorted.length - 1) / 4)] ?? min;
  const [low, high] = samples.length < fewestForQuartiles ? [min, max] : [quartile, p75];
  return { median: p50 * 1e6, low: low * 1e6, high: high * 1e6 };
}

/** The middle of some numbers; of an even count, the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
}

type Blocks = readonly (readonly number[])[];

/**
 * How many times as long the first took as the second: the median over blocks, in each of which both had their turn,
 * of the ratio of medians. A machine that others slow down for a while does so to both.
 */
export function ratioOf(first: Blocks, second: Blocks): number {
  const blocks = Math.min(first.length, second.length);
  return medianOf(Array.from({ length: blocks }, (_, b) => medianOf(first[b]) / medianOf(second[b])));
}
