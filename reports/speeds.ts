/** What the run's timings say: speed over native scalar, the shape that stands for an op, who leads. */

import { ratioOf } from '../src/bench/statistics.ts';
import { ops } from '../src/case/case.ts';
import { floatDtypes } from '../src/case/dtype.ts';
import type { Roof } from '../src/case/roof.ts';
import type { Run, Timing } from '../src/run/document.ts';
import { times } from './format.ts';
import { cellId, distinct, type Entry, type Ledger } from './ledger.ts';

type Op = Timing['op'];
type Dtype = Timing['dtype'];

/** The shapes by which an op is usually quoted; without such, or where they were not timed, the one timed most often is. */
const quoted: Readonly<Partial<Record<Op, readonly { rows: number; n: number }[]>>> = {
  rms_norm: [{ rows: 512, n: 4096 }],
  rope: [{ rows: 16384, n: 128 }],
  gqa: [{ rows: 16384, n: 128 }],
};

/** What each roof is, in words. */
export const roofWords: Readonly<Record<Roof, string>> = {
  memcpy: 'a memcpy of the same bytes',
  read: 'reading the same bytes',
  'multiply-add': "the tier's multiply-adds in registers",
};

/** A timing, and its speed over native scalar at the same shape. */
export interface Speed {
  readonly timing: Timing;
  /** scalar's median / this median; null where native scalar was not timed, or for itself. */
  readonly overScalar: number | null;
  /** Whether the cell is a pass of this page, and the baseline too. Otherwise figures stand in parentheses. */
  readonly proved: boolean;
}

/**
 * A timing against the fastest kernel of a peer at the same shape on the same machine, block by block; proved where
 * both cells passed. Null where the peer was not timed there, and for its own timings.
 */
export function overPeer(
  own: Timing,
  peer: string,
  timings: readonly Timing[],
): { ratio: number; proved: boolean } | null {
  if (own.provider === peer) return null;
  const candidates = timings.filter(
    t => t.provider === peer && t.machine === own.machine && shapeKey(t) === shapeKey(own),
  );
  const [best] = candidates.toSorted((a, b) => a.median - b.median);
  if (!best) return null;
  return { ratio: ratioOf(best.blocks, own.blocks), proved: best.proved && own.proved };
}

/** That as text, in parentheses where it is not proved; a dash where there is none. */
export function overText(own: Timing, peer: string, timings: readonly Timing[]): string {
  const over = overPeer(own, peer, timings);
  return over ? asProved(times(over.ratio), over) : '–';
}

const shapeKey = (t: Timing) => [t.op, t.dtype, t.size, t.shape, t.threads].join('\n');

/** Every timing of the run with its speed. */
export function speedsOf({ run, entries }: Ledger): Speed[] {
  const passes = new Set(entries.filter(e => e.verdict === 'pass').map(e => e.id));
  const proved = (t: Timing) => t.proved && passes.has(cellId(t));
  const baselines = new Map<string, Timing>();
  for (const t of run.timings) {
    if (t.provider !== 'native' || t.tier !== 'scalar') continue;
    const other = baselines.get(shapeKey(t));
    if (!other || (proved(t) && !proved(other))) baselines.set(shapeKey(t), t);
  }
  return run.timings.map(timing => {
    const baseline = baselines.get(shapeKey(timing));
    if (!baseline || baseline === timing) {
      return { timing, overScalar: null, proved: proved(timing) };
    }
    return {
      timing,
      overScalar: baseline.median / timing.median,
      proved: proved(timing) && proved(baseline),
    };
  });
}

/** The size that stands for an op on the map: the quoted one, or the one that most cells were timed at. */
export function headlineSize(run: Run, op: Op): string | null {
  const own = run.timings.filter(t => t.op === op);
  for (const { rows, n } of quoted[op] ?? []) {
    const found = own.find(t => t.rows === rows && t.n === n);
    if (found) return found.size;
  }
  const candidates = distinct(own.map(t => t.size)).map(size => {
    const at = own.filter(t => t.size === size);
    return { size, cells: at.length, work: at[0].work };
  });
  candidates.sort((a, b) => b.cells - a.cells || b.work - a.work);
  return candidates[0]?.size ?? null;
}

/** The speed of a cell at its op's headline size; null where it was not timed there. */
export function headlineSpeed(speeds: readonly Speed[], run: Run, entry: Entry): Speed | null {
  const size = headlineSize(run, entry.cell.op);
  const at = speeds.filter(s => s.timing.size === size && cellId(s.timing) === entry.id);
  return at.toSorted((a, b) => a.timing.threads - b.timing.threads)[0] ?? null;
}

/** The fastest proved native kernel of each op and dtype at the headline size. */
export function leaders(speeds: readonly Speed[], run: Run): Speed[] {
  return ops.flatMap(op => {
    const size = headlineSize(run, op);
    return floatDtypes.flatMap((dtype: Dtype) => {
      const at = speeds
        .filter(s => s.proved && s.timing.provider === 'native' && s.timing.op === op)
        .filter(s => s.timing.dtype === dtype && s.timing.size === size)
        .toSorted((a, b) => a.timing.median - b.timing.median);
      return at.slice(0, 1);
    });
  });
}

/** A figure that nothing proves, in parentheses. */
export function asProved(text: string, speed: { readonly proved: boolean }): string {
  return speed.proved ? text : `(${text})`;
}
