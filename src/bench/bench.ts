/**
 * The bench: kernels on the clock, at every shape of their ops, beside what the machine could do at best.
 *
 * The shapes by which tiers are compared come first, those that take long last: where the time is up, these are
 * what is left out. Whatever is left out stands beside the timings, with the reason.
 */

import type { TimedShape, Work } from '../../suites/suite.ts';
import type { Op } from '../case/case.ts';
import type { FloatDtype } from '../case/dtype.ts';
import { materialise } from '../case/materialise.ts';
import { callOf } from '../check/lab.ts';
import { suiteOf } from '../check/properties.ts';
import { Host } from '../providers/host.ts';
import { type Contender, type RoofTier, roofOperations, roofTiers } from '../providers/protocol.ts';
import { isModule, type Kernel, kernelId, type LoadedProvider, native } from '../providers/provider.ts';
import { type Slot, SlotPool } from '../providers/slots.ts';
import type { Run, Timing, Untimed, Verdict } from '../run/document.ts';
import { contest, type Entrant, type Ground } from './contest.ts';
import { longestCall, type Pace } from './pace.ts';
import { figuresOf, ratioOf } from './statistics.ts';

export interface BenchOptions {
  readonly dtypes: readonly FloatDtype[];
  /** Which shapes are asked for. */
  readonly shapes: (shape: TimedShape) => boolean;
  /** Why one of them is left out; null: it is not. */
  readonly leaveOut: (shape: TimedShape) => string | null;
  readonly pace: Pace;
  readonly seed: number;
  /** What a cell came to in this run. */
  readonly verdictOn: (kernel: Kernel, dtype: FloatDtype) => Verdict | undefined;
  readonly onProgress: (what: string) => void;
}

export type Benched = Pick<Run, 'timings' | 'ceilings' | 'untimed'>;
type Ceiling = Run['ceilings'][number];

/** A shape in a type, and who is to be timed at it. */
interface Job {
  readonly op: Op;
  readonly shape: TimedShape;
  readonly dtype: FloatDtype;
  readonly kernels: readonly Kernel[];
}

/** A roof on the clock. */
interface RoofTask {
  readonly contender: Contender;
  /** The tier whose arithmetic it is; null: it is the same for all. */
  readonly tier: RoofTier | null;
  /** What one call of it does: bytes or operations. */
  readonly amount: number;
}

/** Who is on the clock. */
type Contestant =
  | { readonly kernel: Kernel; readonly roof?: undefined }
  | { readonly roof: RoofTask; readonly kernel?: undefined };

/** Times the kernels at the shapes of their ops. */
export function bench(
  providers: readonly LoadedProvider[],
  kernels: readonly Kernel[],
  options: BenchOptions,
): Benched {
  const pool = new SlotPool();
  const hosts = new Map(providers.map(provider => [provider.name, new Host(provider, pool)]));
  const roofs = roofHost([...hosts.values()]) ?? new Host(native, pool);
  const started = performance.now();
  const table = new Table(pool, hosts, roofs, options);
  const jobs = jobsOf(kernels, options);
  const done = new Map<Job, Benched>();
  try {
    for (const job of jobs.toSorted((a, b) => urgency(a.shape) - urgency(b.shape))) {
      const { op, shape, dtype } = job;
      const spent = (performance.now() - started) * 1e6;
      const why = options.leaveOut(shape) ?? (spent > options.pace.all ? timeIsUp(options.pace) : null);
      if (why === null) options.onProgress(`${op} ${shape.size} ${dtype}`);
      done.set(job, why === null ? table.time(job) : nothing(job, why));
    }
  } finally {
    for (const host of [...hosts.values(), roofs]) host.close();
  }
  const inOrder = jobs.map(job => done.get(job)!);
  return {
    timings: inOrder.flatMap(({ timings }) => timings),
    ceilings: inOrder.flatMap(({ ceilings }) => ceilings),
    untimed: inOrder.flatMap(({ untimed }) => untimed),
  };
}

function jobsOf(kernels: readonly Kernel[], { dtypes, shapes, verdictOn }: BenchOptions): Job[] {
  return [...new Set(kernels.map(kernel => kernel.op))].flatMap(op =>
    suiteOf(op)
      .shapes.filter(shapes)
      .flatMap(shape =>
        dtypes.map(dtype => {
          const own = kernels.filter(kernel => kernel.op === op && kernel.available);
          // What declined every case would decline this one.
          return { op, shape, dtype, kernels: own.filter(k => verdictOn(k, dtype) !== 'unsupported') };
        }),
      ),
  );
}

/** Headline shapes come first, long ones last. */
function urgency({ headline, long }: TimedShape): number {
  if (headline) return 0;
  return long ? 2 : 1;
}

function timeIsUp({ all }: Pace): string {
  return `the ${all / 1e9} s for timing were up`;
}

/** Who measures what the machine could do at best: native code, as the kernels' own runner where it has some. */
function roofHost(hosts: readonly Host[]): Host | undefined {
  return hosts.find(host => !isModule(host.provider.path));
}

/** The roofs over some kernels; arithmetic has one for each tier among them. */
function roofsOver(kernels: readonly Kernel[], work: Work): RoofTask[] {
  switch (work.roof) {
    case 'memcpy':
      return [{ contender: { memcpy: { from: work.from, to: work.to } }, tier: null, amount: work.amount }];
    case 'read':
      return [{ contender: { read: work.of }, tier: null, amount: work.amount }];
    case 'multiply-add': {
      const own = roofTiers.filter(tier => kernels.some(kernel => kernel.tier === tier));
      return own.map(tier => ({ contender: { multiplyAdd: tier }, tier, amount: roofOperations }));
    }
  }
}

/** A job of which nothing is timed. */
function nothing(job: Job, reason: string): Benched {
  return { timings: [], ceilings: [], untimed: job.kernels.map(kernel => untimed(job, kernel, reason)) };
}

/** What is not timed: a kernel, or null for the roof. */
function untimed(
  { op, shape, dtype }: Job,
  kernel: Kernel | null,
  reason: string,
  takes: number | null = null,
): Untimed {
  const { name, size } = shape;
  const who = kernel && { provider: kernel.provider, kernel: kernel.name, tier: kernel.tier };
  return { machine: 0, op, dtype, shape: name, size, kernel: who, reason, takes };
}

/** The place where jobs are done: runners, their memory, and how fast kernels were so far. */
class Table {
  readonly #pool: SlotPool;
  readonly #hosts: ReadonlyMap<string, Host>;
  readonly #roofs: Host;
  readonly #options: BenchOptions;
  /** Of each kernel in each type, under each roof: the rate at the largest shape so far, and its work. */
  readonly #rates = new Map<string, { rate: number; work: number }>();

  constructor(pool: SlotPool, hosts: ReadonlyMap<string, Host>, roofs: Host, options: BenchOptions) {
    this.#pool = pool;
    this.#hosts = hosts;
    this.#roofs = roofs;
    this.#options = options;
  }

  time(job: Job): Benched {
    const { case: c, work } = job.shape.make(job.dtype);
    const longest = longestCall(this.#paceOf(job));
    const expected = job.kernels.map(kernel => ({ kernel, takes: this.#expected(job, kernel, work) }));
    const tooLong = expected.filter(({ takes }) => takes !== null && takes > longest);
    const leftOut = tooLong.map(({ kernel, takes }) => untimed(job, kernel, this.#why(job), takes));
    const kernels = job.kernels.filter(kernel => !tooLong.some(left => left.kernel === kernel));
    if (kernels.length === 0) return { timings: [], ceilings: [], untimed: leftOut };
    const taken: Slot[] = [];
    try {
      const made = materialise(c, region => {
        const slot = this.#pool.take(region);
        taken.push(slot);
        return slot.bytes;
      });
      const slots = Object.fromEntries(Object.keys(made.buffers).map((name, i) => [name, taken[i]]));
      const ground = { call: callOf(c, made, slots), slots: taken };
      const benched = this.#contest({ ...job, kernels }, work, c.threads, ground);
      return { ...benched, untimed: [...leftOut, ...benched.untimed] };
    } finally {
      for (const slot of taken) this.#pool.release(slot);
    }
  }

  #contest(job: Job, work: Work, threads: number, ground: Ground): Benched {
    const { op, shape, dtype, kernels } = job;
    const pace = this.#paceOf(job);
    const entrants = kernels.map((kernel): Entrant<Contestant> => {
      const host = this.#hosts.get(kernel.provider)!;
      return { is: { kernel }, host, contender: { kernel: kernel.index } };
    });
    const roofs = roofsOver(kernels, work).map(
      (roof): Entrant<Contestant> => ({ is: { roof }, host: this.#roofs, contender: roof.contender }),
    );
    const at = { machine: 0, shape: shape.name, size: shape.size, dtype, roof: work.roof };
    const stood: { ceiling: Ceiling; amount: number; blocks: readonly number[][] }[] = [];
    const left: Untimed[] = [];
    const timings: Omit<Timing, 'ofRoof'>[] = [];
    for (const outcome of contest(entrants, roofs, ground, pace, this.#options.seed)) {
      const { kernel, roof } = outcome.is;
      if ('refused' in outcome) {
        left.push(untimed(job, kernel ?? null, outcome.refused));
        continue;
      }
      if ('tooLong' in outcome) {
        left.push(untimed(job, kernel ?? null, this.#why(job), outcome.tooLong));
        continue;
      }
      const figures = figuresOf(outcome.blocks.flat());
      if (roof) {
        const { median } = figures;
        const ceiling = { ...at, tier: roof.tier, median, rate: roof.amount / median };
        stood.push({ ceiling, amount: roof.amount, blocks: outcome.blocks });
        continue;
      }
      const rate = work.amount / figures.median;
      this.#learn(job, kernel, work, rate);
      timings.push({
        ...at,
        provider: kernel.provider,
        op,
        kernel: kernel.name,
        tier: kernel.tier,
        n: shape.n,
        rows: shape.rows,
        threads,
        work: work.amount,
        blocks: outcome.blocks.map(block => [...block]),
        calls: outcome.calls,
        ...figures,
        rate,
        proved: this.#options.verdictOn(kernel, dtype) === 'pass',
      });
    }
    const ceilings = stood.map(({ ceiling }) => ceiling);
    const ofRoof = ({ blocks, tier }: (typeof timings)[number]) => {
      const roof = stood.find(({ ceiling }) => ceiling === ceilingFor(ceilings, tier));
      return roof ? ratioOf(roof.blocks, blocks) * (work.amount / roof.amount) : null;
    };
    return { timings: timings.map(t => ({ ...t, ofRoof: ofRoof(t) })), ceilings, untimed: left };
  }

  #key(job: Job, kernel: Kernel, work: Work): string {
    return [kernelId(kernel), job.dtype, work.roof].join(' ');
  }

  #learn(job: Job, kernel: Kernel, work: Work, rate: number): void {
    const key = this.#key(job, kernel, work);
    if ((this.#rates.get(key)?.work ?? 0) < work.amount) this.#rates.set(key, { rate, work: work.amount });
  }

  /** Nanoseconds that a call should take by what was seen; null: nothing was, or only larger work. */
  #expected(job: Job, kernel: Kernel, work: Work): number | null {
    const known = this.#rates.get(this.#key(job, kernel, work));
    return known && known.work <= work.amount ? work.amount / known.rate : null;
  }

  /** Tiers are compared at headline shapes: there, all of them are timed. */
  #paceOf({ shape }: Job): Pace {
    const { pace } = this.#options;
    return shape.headline ? { ...pace, tooLong: 'timed' } : pace;
  }

  #why(job: Job): string {
    return `a call takes longer than ${longestCall(this.#paceOf(job)) / 1e9} s`;
  }
}

/** The roof of a tier, or the highest there is for one that has none of its own. */
function ceilingFor(ceilings: readonly Ceiling[], tier: string): Ceiling | undefined {
  const own = ceilings.find(ceiling => ceiling.tier === tier);
  return own ?? ceilings.toSorted((a, b) => b.rate - a.rate).at(0);
}
