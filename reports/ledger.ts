/**
 * A run as the page reads it: cells in the order of the map, each with its id, its findings, and a verdict
 * that the page can stand by.
 */

import { ops } from '../src/case/case.ts';
import { floatDtypes } from '../src/case/dtype.ts';
import {
  type Cell,
  type Finding,
  isEmulated,
  isPeers,
  type Machine,
  machineTiers,
  type Run,
  type Verdict,
} from '../src/run/document.ts';
import { soundVerdict } from '../src/run/verdict.ts';
import { type Look, looks } from './glyphs.ts';
import { byTier } from './tiers.ts';

/** The limit of the precision statistic (root mean square of error over ordinary f32 error). */
export const precisionLimit = 4;

/** A cell and what the page says of it. */
export interface Entry {
  readonly cell: Cell;
  readonly verdict: Verdict;
  /** How it is shown. */
  readonly look: Look;
  /** Why it is not a pass; empty where it is, or where nobody said. */
  readonly reason: string;
  /** Id of its evidence on the page. */
  readonly id: string;
  readonly findings: readonly Finding[];
  /** The worse of the two checks of error, each as a share of its limit; null where no error was measured. */
  readonly share: number | null;
}

/** A tier of the run, and whether a machine of the run has it. */
export interface Column {
  readonly tier: string;
  readonly available: boolean;
  readonly why: string;
}

export interface Ledger {
  /** The run, with what one of its machines timed: times of two machines are not compared. */
  readonly run: Run;
  /** The same for each machine that timed anything, in the run's order. */
  readonly clocks: readonly Clock[];
  readonly entries: readonly Entry[];
  readonly columns: readonly Column[];
  /** Names of providers that have cells, native first, peers last. */
  readonly providers: readonly string[];
  /** Those of them that are peers: compared with, shown apart, never counted with the others. */
  readonly peers: readonly string[];
}

/** What one machine of a run timed. */
export interface Clock extends Pick<Run, 'timings' | 'untimed' | 'ceilings'> {
  readonly machine: Machine;
}

/** What names a cell: the same fields in cells, findings and timings. */
export type CellKey = Pick<Cell, 'provider' | 'op' | 'kernel' | 'tier' | 'dtype'>;

/** One string per cell, fit for an id and a fragment: whatever is not a letter, digit, - or _ is spelt out. */
export function cellId(key: CellKey): string {
  const spell = (part: string) =>
    part.replace(/[^A-Za-z0-9_-]/gu, c => `~${c.codePointAt(0)?.toString(16)}~`);
  return [key.provider, key.op, key.kernel, key.tier, key.dtype].map(spell).join('.');
}

function shareOf(cell: Cell): number | null {
  const shares = [
    ...(cell.worst ? [cell.worst.ratio] : []),
    ...(cell.precision === null ? [] : [cell.precision / precisionLimit]),
  ];
  return shares.length > 0 ? Math.max(...shares) : null;
}

/** The looks that a run's cells may have: emulated ones are told of where there are any. */
export function looksIn(entries: readonly Entry[]): Look[] {
  return looks.filter(look => look !== 'emulated' || entries.some(entry => entry.look === look));
}

/** Distinct values in the order of their first appearance. */
export function distinct<T>(values: Iterable<T>): T[] {
  return [...new Set(values)];
}

/** Values by key, keys in the order of their first appearance. */
export function grouped<T>(values: Iterable<T>, keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return groups;
}

function columnsOf(run: Run): Column[] {
  const machine = machineTiers(run);
  const unavailable = machine.filter(t => !t.available).map(t => t.tier);
  return distinct([...run.cells.map(c => c.tier), ...unavailable])
    .sort(byTier)
    .map(tier => {
      const found = machine.find(t => t.tier === tier);
      return { tier, available: found?.available ?? true, why: found?.why ?? '' };
    });
}

function clocksOf({ machines, timings, untimed, ceilings }: Run): Clock[] {
  return machines
    .map((machine, i) => ({
      machine,
      timings: timings.filter(timing => timing.machine === i),
      untimed: untimed.filter(({ machine }) => machine === i),
      ceilings: ceilings.filter(ceiling => ceiling.machine === i),
    }))
    .filter(clock => clock.timings.length > 0);
}

/** The run's cells, sorted: native first, then ops, dtypes, kernels and tiers in their own orders. */
export function ledgerOf(run: Run): Ledger {
  const findings = grouped(run.findings, cellId);
  const named = distinct([...run.providers.map(p => p.name), ...run.cells.map(c => c.provider)]);
  const present = named.filter(name => run.cells.some(c => c.provider === name));
  const peers = present.filter(provider => isPeers(run, { provider }));
  const others = present.filter(name => name !== 'native' && !peers.includes(name));
  const providers = [
    ...present.filter(name => name === 'native' && !peers.includes(name)),
    ...others,
    ...peers,
  ];
  const kernels = distinct(run.cells.map(c => c.kernel));
  const entries = run.cells
    .map(cell => {
      const id = cellId(cell);
      const own = findings.get(id) ?? [];
      const sound = soundVerdict(cell, own);
      const look: Look = sound.verdict === 'pass' && isEmulated(run, cell) ? 'emulated' : sound.verdict;
      return { cell, ...sound, look, id, findings: own, share: shareOf(cell) };
    })
    .sort(
      ({ cell: a }, { cell: b }) =>
        providers.indexOf(a.provider) - providers.indexOf(b.provider) ||
        ops.indexOf(a.op) - ops.indexOf(b.op) ||
        floatDtypes.indexOf(a.dtype) - floatDtypes.indexOf(b.dtype) ||
        kernels.indexOf(a.kernel) - kernels.indexOf(b.kernel) ||
        byTier(a.tier, b.tier),
    );
  const clocks = clocksOf(run);
  return { run: onClock(run, clocks[0]), clocks, entries, columns: columnsOf(run), providers, peers };
}

/** A run with the times of one machine alone. */
export function onClock(run: Run, clock: Clock | undefined): Run {
  if (!clock) return run;
  const { timings, untimed, ceilings } = clock;
  return { ...run, timings, untimed, ceilings };
}

/** The cells that a run is about, and those that stand beside them. */
export function apart({ entries, peers }: Ledger): { subjects: Entry[]; beside: Entry[] } {
  const ofPeer = (entry: Entry) => peers.includes(entry.cell.provider);
  return { subjects: entries.filter(entry => !ofPeer(entry)), beside: entries.filter(ofPeer) };
}

/** Whether a kernel ran in this cell and its results were judged. */
export function executed(entry: Entry): boolean {
  return entry.verdict === 'pass' || entry.verdict === 'fail';
}
