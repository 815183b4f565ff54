/**
 * A check: goes through the sequence of cases in waves until it is told to stop, and comes back with the
 * ledger's raw material: evidence by cell, findings made small, edges reached.
 *
 * What is found depends on (seed, kernels, number of cases) alone: waves have a fixed size, and what their
 * parts saw is put together in the order of the sequence, however many threads looked.
 */

import type { Op } from '../case/case.ts';
import type { FloatDtype } from '../case/dtype.ts';
import { type Kernel, kernelId } from '../providers/provider.ts';
import type { Explanation, Run } from '../run/document.ts';
import { type Crew, Mishap, type Results, type Task } from './crew.ts';
import {
  add,
  type CellKey,
  casesOf,
  type Evidence,
  noEvidence,
  type Sighting,
  type When,
} from './evidence.ts';
import type { Unit } from './examiner.ts';
import { sharesOf } from './explain/shares.ts';
import { suiteOf } from './properties.ts';
import type { Shrunk } from './shrink.ts';
import { addAsked } from './turns.ts';

/** When a check ends: whichever comes first. Between waves, so a budget only cuts the sequence short. */
export interface Limits {
  /** Cases for each op. */
  readonly cases: number;
  /** Seconds for each op, or for each of its kernels and for all of them at least; Infinity: no limit. */
  readonly seconds: number | { readonly perKernel: number; readonly atLeast: number };
  /** Every wave is as short as the first: where calls are slow, a budget would be overdrawn. */
  readonly shortWaves?: true;
  /** Once it says so, no case is begun any more; what was seen is made small and told. Its reason says who wanted it. */
  readonly stop?: AbortSignal;
}

export interface Progress {
  readonly op: Op;
  readonly cases: number;
  readonly findings: number;
  readonly seconds: number;
}

/** A breach with its smallest case. */
export interface Found {
  readonly op: Op;
  readonly sighting: Sighting;
  readonly shrunk: Shrunk;
  /** What the failing cases of the cell share; absent for a failure of old. */
  readonly shares?: Explanation['shares'];
  /** The failure file that it is from; absent: it is new. */
  readonly file?: string;
}

/** Cases by dimension and edge. */
type EdgeCounts = Record<string, Record<string, number>>;

export interface Checked {
  readonly evidence: Map<CellKey, Evidence>;
  readonly found: Found[];
  readonly digests: Map<CellKey, string | null>;
  /** Kernels that took a runner with them, or never came back: they were not asked any further. */
  readonly died: Set<string>;
  /** What the harness failed at, one in a unit ends the sequence of its op, with the wave; and what it was not let do. */
  readonly mishaps: Run['mishaps'];
  /** By op, dimension and edge. */
  readonly edges: Map<Op, EdgeCounts>;
  readonly cases: number;
  readonly elements: number;
  readonly calls: number;
  /** Seconds spent on the sequence, without shrinking and digests. */
  readonly seconds: number;
}

/** Cases that a thread is given at once. */
export const unitCases = 8;
/** The first wave is short, so that what is grossly wrong shows at once. */
const waveUnits = (wave: number, short: boolean) => (wave === 0 || short ? 4 : 32);
/** Properties of a cell that are shrunk and filed; the counts tell of the others. */
const findingsPerCell = 3;
/** A cell in which a property failed so often is asked no more: time is for those of which less is known. */
const failuresPerCell = 64;
/** Other failing cases to which an explanation is held. */
const othersShown = 64;

export async function check(
  crew: Crew,
  kernels: readonly Kernel[],
  dtypes: readonly FloatDtype[],
  limits: Limits,
  onProgress: (progress: Progress) => void = () => {},
): Promise<Checked> {
  const checked = {
    evidence: new Map<CellKey, Evidence>(),
    found: [] as Found[],
    digests: new Map<CellKey, string | null>(),
    died: new Set<string>(),
    mishaps: [] as Run['mishaps'],
    edges: new Map<Op, EdgeCounts>(),
    cases: 0,
    elements: 0,
    calls: 0,
    seconds: 0,
  };
  for (const op of new Set(kernels.map(kernel => kernel.op))) {
    const seconds = secondsFor(limits, kernels.filter(kernel => kernel.op === op).length);
    await checkOp(crew, op, { ...limits, seconds }, checked, onProgress);
  }
  const cells = kernels.flatMap(kernel =>
    dtypes.map(dtype => ({ op: kernel.op, kernel: kernelId(kernel), dtype })),
  );
  const sound = limits.stop?.aborted ? [] : cells.filter(cell => !checked.died.has(cell.kernel));
  const digests = await done(
    crew,
    sound.map(({ kernel, dtype }) => ({ do: 'digest', kernel, dtype }) as const),
    (task, message) => {
      const { op } = sound.find(({ kernel }) => kernel === task.kernel)!;
      checked.mishaps.push({ op, during: `the digest of ${task.kernel} ${task.dtype}`, message });
    },
  );
  for (const [{ kernel, dtype }, digest] of digests) checked.digests.set(`${kernel}#${dtype}`, digest);
  return checked;
}

/** Does tasks. Returns those that came to something, each with its result; of those that failed `failed` is told. */
async function done<K extends Task['do']>(
  crew: Crew,
  tasks: readonly Extract<Task, { do: K }>[],
  failed: (task: Extract<Task, { do: K }>, message: string) => void,
  stop?: AbortSignal,
): Promise<[Extract<Task, { do: K }>, Results[K]][]> {
  const results = await crew.all<K>(tasks, stop);
  return results.flatMap((result, i): [Extract<Task, { do: K }>, Results[K]][] => {
    if (!(result instanceof Mishap)) return [[tasks[i], result]];
    failed(tasks[i], result.message);
    return [];
  });
}

/** Two checks of different kernels, as one. */
export function both(a: Checked, b: Checked): Checked {
  const edges = new Map(a.edges);
  for (const [op, dimensions] of b.edges) {
    const sum = structuredClone(edges.get(op) ?? {});
    addEdges(sum, dimensions);
    edges.set(op, sum);
  }
  return {
    evidence: new Map([...a.evidence, ...b.evidence]),
    found: [...a.found, ...b.found],
    digests: new Map([...a.digests, ...b.digests]),
    died: new Set([...a.died, ...b.died]),
    mishaps: [...a.mishaps, ...b.mishaps],
    edges,
    cases: a.cases + b.cases,
    elements: a.elements + b.elements,
    calls: a.calls + b.calls,
    seconds: a.seconds + b.seconds,
  };
}

function addEdges(sum: EdgeCounts, more: EdgeCounts): void {
  for (const [dimension, counts] of Object.entries(more)) {
    sum[dimension] ??= {};
    for (const [edge, n] of Object.entries(counts)) sum[dimension][edge] = (sum[dimension][edge] ?? 0) + n;
  }
}

function secondsFor({ seconds }: Limits, kernels: number): number {
  return typeof seconds === 'number' ? seconds : Math.max(seconds.perKernel * kernels, seconds.atLeast);
}

async function checkOp(
  crew: Crew,
  op: Op,
  limits: Limits & { readonly seconds: number },
  checked: { -readonly [Key in keyof Checked]: Checked[Key] },
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const closed = checked.died;
  /** Cells of which enough was seen. */
  const settled = new Set<CellKey>();
  const sightings = new Map<string, Sighting>();
  const edges: EdgeCounts = {};
  const asked: Record<string, number> = {};
  const stands = new Map<number, Uint16Array>();
  checked.edges.set(op, edges);
  let casesOfOp = 0;
  let failed = false;
  const { stop } = limits;
  for (
    let wave = 0, k = 0;
    k < limits.cases && elapsed() < limits.seconds && !failed && !stop?.aborted;
    wave++
  ) {
    const units: Unit[] = [];
    for (
      let u = 0;
      u < waveUnits(wave, limits.shortWaves ?? false) && k < limits.cases;
      u++, k += unitCases
    ) {
      units.push({
        op,
        from: k,
        to: Math.min(k + unitCases, limits.cases),
        closed: [...closed, ...settled],
        asked: { ...asked },
      });
    }
    const reports = await done(
      crew,
      units.map(unit => ({ do: 'unit', unit }) as const),
      ({ unit: { from, to } }, message) => {
        failed = true;
        checked.mishaps.push({ op, during: `cases ${from} to ${to - 1}`, message });
      },
      stop,
    );
    for (const [, report] of reports) {
      casesOfOp += report.cases;
      checked.cases += report.cases;
      checked.elements += report.elements;
      checked.calls += report.calls;
      addAsked(asked, report.asked);
      addEdges(edges, report.edges);
      for (const [k, on] of Object.entries(report.stands)) stands.set(Number(k), Uint16Array.from(on));
      for (const [key, part] of Object.entries(report.evidence) as [CellKey, Evidence][]) {
        if (closed.has(key.slice(0, key.lastIndexOf('#')))) continue;
        const sum = checked.evidence.get(key) ?? noEvidence();
        add(sum, part);
        checked.evidence.set(key, sum);
        if (Object.values(sum.properties).some(({ failed }) => failed >= failuresPerCell)) settled.add(key);
      }
      for (const sighting of report.sightings) {
        if (closed.has(sighting.kernel)) continue;
        const key = `${sighting.kernel}#${sighting.dtype}#${sighting.breach.property}`;
        const before = sightings.get(key);
        // One on a case of a plan is worth more than an earlier one on a named case.
        if (!before || (before.planless && !sighting.planless)) sightings.set(key, sighting);
      }
      for (const { kernel, breach } of report.sightings) if (breach.fatal) closed.add(kernel);
    }
    onProgress({ op, cases: casesOfOp, findings: sightings.size, seconds: elapsed() });
  }
  checked.seconds += elapsed();
  if (stop?.aborted) {
    const message = `interrupted by ${stop.reason}`;
    checked.mishaps.push({ op, during: `what comes after ${casesOfOp} cases`, message, interrupted: true });
  }
  const filed = firstOfEachCell([...sightings.values()]);
  const whenOf = ({ kernel, dtype, breach }: Sighting): When =>
    checked.evidence.get(`${kernel}#${dtype}`)?.when[breach.property] ?? { asked: {}, failed: {} };
  const shrunk = await done(
    crew,
    filed.map(sighting => {
      const others = [...casesOf(whenOf(sighting).failed)]
        .filter(k => k !== sighting.k)
        .slice(0, othersShown);
      return { do: 'shrink', task: { op, sighting, others } } as const;
    }),
    ({ task: { sighting } }, message) => {
      const { kernel, dtype, k, breach } = sighting;
      const during = `making case ${k} small, in which ${kernel} ${dtype} fails: ${breach.property}: ${breach.message}`;
      checked.mishaps.push({ op, during, message });
    },
  );
  const sharesAt = (sighting: Sighting) => sharesOf(whenOf(sighting), stands, suiteOf(op).dimensions);
  for (const [{ task }, small] of shrunk) {
    const { sighting } = task;
    checked.found.push({ op, sighting, shrunk: small, shares: sharesAt(sighting) });
  }
}

/** The earliest of each cell; what ended a kernel is always among them. */
function firstOfEachCell(sightings: readonly Sighting[]): Sighting[] {
  const perCell = new Map<string, number>();
  const urgency = ({ breach }: Sighting) => (breach.fatal ? 0 : 1);
  return [...sightings]
    .sort((a, b) => urgency(a) - urgency(b) || a.k - b.k)
    .filter(({ kernel, dtype }) => {
      const cell = `${kernel}#${dtype}`;
      perCell.set(cell, (perCell.get(cell) ?? 0) + 1);
      return perCell.get(cell)! <= findingsPerCell;
    })
    .sort((a, b) => a.k - b.k);
}
