/**
 * The bench: kernels on the clock, beside what the machine could do at best.
 *
 * The clock is in the runner, around many calls; nothing of the harness is in a sample. Contenders take turns
 * in blocks, in an order drawn anew for each, so that what the machine does meanwhile hits all of them.
 */

import { Bench } from 'tinybench';
import type { TimedShape, Work } from '../../suites/suite.ts';
import type { Op } from '../case/case.ts';
import type { FloatDtype } from '../case/dtype.ts';
import { materialise } from '../case/materialise.ts';
import { hash } from '../case/random.ts';
import { callOf } from '../check/lab.ts';
import { suiteOf } from '../check/properties.ts';
import { Host, HostError } from '../providers/host.ts';
import {
  type Call,
  type Contender,
  type RoofTier,
  roofOperations,
  roofTiers,
} from '../providers/protocol.ts';
import { isModule, type Kernel, kernelId, type LoadedProvider, native } from '../providers/provider.ts';
import { type Slot, SlotPool } from '../providers/slots.ts';
import type { Run, Timing, Verdict } from '../run/document.ts';

export interface BenchOptions {
  readonly dtypes: readonly FloatDtype[];
  /** Leave out the shapes that take long. */
  readonly quick: boolean;
  readonly seed: number;
  /** What a cell came to in this run. */
  readonly verdictOn: (kernel: Kernel, dtype: FloatDtype) => Verdict | undefined;
  readonly onProgress: (what: string) => void;
}

export interface Benched {
  readonly timings: Timing[];
  readonly ceilings: Run['ceilings'];
  /** Contenders that could not be timed, where, and why. */
  readonly refused: { readonly name: string; readonly at: string; readonly why: string }[];
}

type Ceiling = Run['ceilings'][number];

const blocks = 7;
/** Nanoseconds that a contender gets in a block, and that one sample should last at least. */
const blockTime = 12e6;
const sampleTime = 1e6;
const mostSamples = 8;

/** One contender at one shape: a kernel or a roof. */
interface Task {
  readonly name: string;
  readonly is: { readonly kernel: Kernel } | { readonly roof: RoofTask };
  readonly host: Host;
  readonly contender: Contender;
  /** Calls in a sample, samples in a block. */
  readonly calls: number;
  readonly samples: number;
  readonly blocks: number[][];
}

/** A roof on the clock. */
interface RoofTask {
  readonly contender: Contender;
  /** The tier whose arithmetic it is; null: it is the same for all. */
  readonly tier: RoofTier | null;
  /** What one call of it does: bytes or operations. */
  readonly amount: number;
}

/** The roofs over some kernels; arithmetic has one for each tier among them. */
function roofsOver(kernels: readonly Kernel[], { roof, amount }: Work): RoofTask[] {
  if (roof !== 'multiply-add') return [{ contender: roof, tier: null, amount }];
  const own = roofTiers.filter(tier => kernels.some(kernel => kernel.tier === tier));
  return own.map(tier => ({ contender: { multiplyAdd: tier }, tier, amount: roofOperations }));
}

/** Times the kernels at every shape of their ops. */
export function bench(
  providers: readonly LoadedProvider[],
  kernels: readonly Kernel[],
  options: BenchOptions,
): Benched {
  const pool = new SlotPool();
  const hosts = new Map(providers.map(provider => [provider.name, new Host(provider, pool)]));
  const roofs = roofHost([...hosts.values()]) ?? new Host(native, pool);
  const benched: Benched = { timings: [], ceilings: [], refused: [] };
  try {
    for (const op of new Set(kernels.map(kernel => kernel.op))) {
      const shapes = suiteOf(op).shapes.filter(shape => !(options.quick && shape.long));
      const contenders = kernels.filter(kernel => kernel.op === op && kernel.available);
      for (const shape of shapes) {
        for (const dtype of options.dtypes) {
          options.onProgress(`${op} ${shape.size} ${dtype}`);
          // What declined every case would decline this one.
          const able = contenders.filter(kernel => options.verdictOn(kernel, dtype) !== 'unsupported');
          timeShape(op, shape, dtype, able, { hosts, roofs }, pool, options, benched);
        }
      }
    }
    return benched;
  } finally {
    for (const host of [...hosts.values(), roofs]) host.close();
  }
}

/** Who measures what the machine could do at best: native code, as the kernels' own runner where it has some. */
function roofHost(hosts: readonly Host[]): Host | undefined {
  return hosts.find(host => !isModule(host.provider.path));
}

function timeShape(
  op: Op,
  shape: TimedShape,
  dtype: FloatDtype,
  kernels: readonly Kernel[],
  { hosts, roofs }: { hosts: ReadonlyMap<string, Host>; roofs: Host },
  pool: SlotPool,
  options: BenchOptions,
  benched: Benched,
): void {
  const { case: c, work } = shape.make(dtype);
  const taken: Slot[] = [];
  const made = materialise(c, region => {
    const slot = pool.take(region);
    taken.push(slot);
    return slot.bytes;
  });
  const slots = Object.fromEntries(Object.keys(made.buffers).map((name, i) => [name, taken[i]]));
  const call = callOf(c, made, slots);
  try {
    const tasks: Task[] = [];
    const enter = (name: string, is: Task['is'], host: Host, contender: Contender): void => {
      try {
        tasks.push({ name, is, host, contender, ...calibrate(host, contender, call, taken), blocks: [] });
      } catch (error) {
        if (!(error instanceof HostError)) throw error;
        benched.refused.push({ name, at: `${shape.size} in ${dtype}`, why: error.message });
      }
    };
    for (const kernel of kernels) {
      enter(kernelId(kernel), { kernel }, hosts.get(kernel.provider)!, { kernel: kernel.index });
    }
    if (tasks.length === 0) return;
    for (const roof of roofsOver(kernels, work)) {
      enter([work.roof, roof.tier ?? ''].join(' '), { roof }, roofs, roof.contender);
    }
    for (let block = 0; block < blocks; block++) {
      for (const task of shuffled(tasks, hash(options.seed, block))) {
        const { host, contender, calls, samples } = task;
        task.blocks.push(host.time(contender, call, taken, calls, samples));
      }
    }
    const statistics = statisticsOf(tasks);
    const at = { machine: 0, shape: shape.name, size: shape.size, dtype, roof: work.roof };
    const ceilings = tasks.flatMap(({ name, is }): Ceiling[] => {
      if (!('roof' in is)) return [];
      const { median } = statistics.get(name)!;
      return [{ ...at, tier: is.roof.tier, median, rate: is.roof.amount / median }];
    });
    benched.ceilings.push(...ceilings);
    for (const { name, is, blocks, calls } of tasks) {
      if (!('kernel' in is)) continue;
      const { provider, name: kernel, tier } = is.kernel;
      const times = statistics.get(name)!;
      const rate = work.amount / times.median;
      const roof = ceilingFor(ceilings, tier);
      benched.timings.push({
        ...at,
        provider,
        op,
        kernel,
        tier,
        n: shape.n,
        rows: shape.rows,
        threads: c.threads,
        work: work.amount,
        blocks,
        calls,
        ...times,
        rate,
        ofRoof: roof ? rate / roof.rate : null,
        proved: options.verdictOn(is.kernel, dtype) === 'pass',
      });
    }
  } finally {
    for (const slot of taken) pool.release(slot);
  }
}

/** The roof of a tier, or the highest there is for one that has none of its own. */
function ceilingFor(ceilings: readonly Ceiling[], tier: string): Ceiling | undefined {
  const own = ceilings.find(ceiling => ceiling.tier === tier);
  return own ?? ceilings.toSorted((a, b) => b.rate - a.rate).at(0);
}

/** How many calls make a sample long enough for the clock, and how many samples fit a block. */
function calibrate(host: Host, contender: Contender, call: Call, slots: readonly Slot[]) {
  let calls = 1;
  for (;;) {
    const [nanoseconds] = host.time(contender, call, slots, calls, 1);
    if (nanoseconds * calls >= sampleTime / 2 || calls >= 1 << 20) {
      const perSample = Math.max(1, Math.round(sampleTime / nanoseconds));
      const samples = Math.floor(blockTime / (perSample * nanoseconds));
      return { calls: perSample, samples: Math.min(Math.max(samples, 1), mostSamples) };
    }
    calls *= 4;
  }
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  return items
    .map((item, i) => ({ item, key: hash(seed, i) }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Median and quartiles, nanoseconds per call, of each task's samples. tinybench counts in milliseconds. */
function statisticsOf(tasks: readonly Task[]): Map<string, { median: number; low: number; high: number }> {
  const statistics = new Map<string, { median: number; low: number; high: number }>();
  for (const { name, blocks: taken } of tasks) {
    const samples = taken.flat();
    let next = 0;
    const holder = new Bench({ time: 0, iterations: samples.length, warmup: false, retainSamples: true });
    holder.add(name, () => ({ overriddenDuration: samples[next++] / 1e6 }));
    const [task] = holder.runSync();
    if (task.result.state !== 'completed') throw new Error(`tinybench ended ${name} as ${task.result.state}`);
    const { p50, p75, samples: sorted } = task.result.latency;
    const quartile = sorted?.[Math.floor((sorted.length - 1) / 4)] ?? p50;
    statistics.set(name, { median: p50 * 1e6, low: quartile * 1e6, high: p75 * 1e6 });
  }
  return statistics;
}
