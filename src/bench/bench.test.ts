/** The bench on native kernels: what it times, what it leaves out, and that nothing is missing without a word. */

import { describe, expect, it } from 'vitest';
import { suites } from '../../suites/index.ts';
import type { TimedShape } from '../../suites/suite.ts';
import { type Kernel, load, native } from '../providers/provider.ts';
import { type BenchOptions, bench } from './bench.ts';
import { brisk, thorough } from './pace.ts';

const provider = load(native);
const sse2 = provider.kernels.filter(({ tier }) => tier === 'sse2');
const first = suites.map(({ op }) => sse2.find(kernel => kernel.op === op)!);

const plain: BenchOptions = {
  dtypes: ['f32'],
  shapes: () => true,
  leaveOut: () => null,
  pace: thorough,
  seed: 1,
  verdictOn: () => 'pass',
  onProgress: () => {},
};
const run = (kernels: readonly Kernel[], options: Partial<BenchOptions>) =>
  bench([provider], kernels, { ...plain, ...options });

/** A short shape of each roof and op: each is made in its own way. */
const samples = suites.flatMap(({ shapes }) => {
  const small = shapes.filter(({ long, headline }) => !long && !headline);
  const roofs = new Map(small.map(shape => [shape.make('f32').work.roof, shape] as const));
  return [...roofs.values()];
});

it('stands every shape beside its roof, whatever the order in which its tensors lie', () => {
  const { timings, ceilings, untimed } = run(first, { shapes: shape => samples.includes(shape) });
  expect(untimed).toEqual([]);
  expect(new Set(ceilings.map(({ roof }) => roof))).toEqual(new Set(['memcpy', 'read', 'multiply-add']));
  expect(timings.map(({ size }) => size)).toEqual(samples.map(({ size }) => size));
  for (const { ofRoof } of timings) expect(ofRoof).toBeGreaterThan(0);
});

describe('what is left out', () => {
  const headline = suites.map(({ shapes }) => shapes.find(shape => shape.headline)!);

  it('is everything but what comes first, where the time is up: the shapes by which tiers are compared', () => {
    const seen: string[] = [];
    const { timings, untimed } = run(first, {
      pace: { ...brisk, all: 0 },
      onProgress: what => seen.push(what),
    });
    expect(seen).toEqual([]);
    expect(timings).toEqual([]);
    const all = suites.flatMap(({ shapes }) => shapes.map(({ size }) => size));
    expect(untimed.map(({ size }) => size)).toEqual(all);
    expect(untimed[0].reason).toBe('the 0 s for timing were up');
  });

  it('is a shape with the reason of who leaves it out', () => {
    const leaveOut = ({ headline: first }: TimedShape) => (first ? 'no' : null);
    const { timings, untimed } = run(first, { shapes: shape => headline.includes(shape), leaveOut });
    expect(timings).toEqual([]);
    expect(untimed.map(({ op, size, reason, kernel }) => [op, size, reason, kernel?.tier])).toEqual(
      headline.map(({ size }, i) => [suites[i].op, size, 'no', 'sse2']),
    );
  });

  it('is no headline shape, however long a call takes', () => {
    const pace = { contender: 3, tooLong: 'left out', all: Infinity } as const;
    const [op] = suites;
    const { timings, untimed } = run([first[0]], {
      shapes: shape => op.shapes.includes(shape) && !shape.long,
      pace,
    });
    expect(timings.map(({ size }) => size)).toEqual([headline[0].size]);
    expect(untimed).toHaveLength(op.shapes.filter(({ long }) => !long).length - 1);
    expect(untimed[0].reason).toBe('a call takes longer than 1e-9 s');
  });

  it('is what would take too long by the rate at a smaller shape: no call is made', () => {
    const kernel = first.find(({ op }) => op === 'gqa')!;
    const { shapes } = suites.find(({ op }) => op === 'gqa')!;
    const prefills = shapes.filter(({ name, headline }) => name.includes('prefill') && !headline);
    const [small, large] = [prefills[0], prefills.at(-1)!];
    const pace = { contender: 1e9, tooLong: 'left out', all: Infinity } as const;
    const { timings, untimed } = run([kernel], { shapes: shape => prefills.includes(shape), pace });
    expect(timings.map(({ size }) => size)).toEqual([small.size]);
    expect(untimed.map(({ size, kernel: left }) => [size, left?.tier])).toEqual([[large.size, 'sse2']]);
    expect(untimed[0].takes).toBeCloseTo(large.make('f32').work.amount / timings[0].rate, 0);
  });
});
