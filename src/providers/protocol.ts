/**
 * What runners are asked and what they answer: the JSON of crates/exec/src/request.rs, from this side.
 */

import type { Case } from '../case/case.ts';
import type { Dtype } from '../case/dtype.ts';
import type { Manner as CaseManner } from '../case/manner.ts';
import type { Promised } from '../case/promise.ts';

/** A tensor of a call: a view of a slot; no slot is a NULL pointer. */
export interface CallTensor {
  slot?: number;
  offset: number;
  shape: readonly number[];
  strides: readonly number[];
  dtype: Dtype;
}

/** A call: a case's words, its buffers resolved to slots. */
export interface Call {
  args: { op: Case['op']; params: Case['params'] };
  threads: number;
  lie?: NonNullable<Case['lie']>;
  tensors: Record<string, CallTensor>;
}

/** Pages of the arena under a number. */
export interface SlotPages {
  slot: number;
  fileOffset: number;
  span: number;
  pages?: readonly number[];
}

/** One call of one kernel. */
export interface Run {
  kernel: number;
  call: Call;
  manner?: Manner;
}

/** The bytes of one slot, copied to another of its size. */
export interface Copied {
  from: number;
  to: number;
}

/** How a call is made, beside what it asks, with slots. */
export interface Manner extends CaseManner {
  /** Slots whose bytes are copied to others before the first call. */
  copies?: readonly Copied[];
  /** A call that another thread makes meanwhile, as often. */
  beside?: Run;
}

/** What is put on the clock: a row of the table, or a roof. Those over bytes take tensors without gaps, by role. */
export type Contender =
  | { kernel: number }
  | { memcpy: { from: string; to: string } }
  | { read: readonly string[] }
  | { multiplyAdd: RoofTier };

/** How often a contender is called on the clock. */
export interface Clock {
  /** Calls before the first sample, which are not counted. */
  readonly before: number;
  /** Calls in a sample. */
  readonly calls: number;
  readonly samples: number;
}

/** The tiers whose arithmetic has a roof of its own. */
export const roofTiers = ['scalar', 'sse2', 'avx2', 'avx512'] as const;
export type RoofTier = (typeof roofTiers)[number];

/** Multiplications and additions in one call of the contender `multiplyAdd`: `OPERATIONS` of crates/exec/src/roof.rs. */
export const roofOperations = 3 * 2 ** 20;

export type Request =
  | 'table'
  | { available: { kernel: number } }
  | { map: { forget: readonly number[]; slots: readonly SlotPages[] } }
  | { run: { runs: readonly Run[] } }
  | { time: { contender: Contender; call: Call; clock: Clock } };

/** An instruction that not every x86-64 has, what it needs, and where it stands. */
export interface Need {
  instruction: string;
  needs: string;
  place: string;
}

/** What a kernel's code needs of a CPU, as far as direct calls and jumps lead from `run`. */
export interface Survey {
  /** Instructions that were looked at; 0: nothing is known. */
  instructions: number;
  /** Whether it looks at the CPU itself, and so may go several ways. */
  looksAtCpu: boolean;
  /** One instruction of each need. */
  needs: readonly Need[];
  /** Those above its tier. */
  foreign: readonly Need[];
  /** Whether `available` answers without asking anything. */
  availableUnasked: boolean;
}

/** Of code of which nothing is known. */
export const unsurveyed: Survey = {
  instructions: 0,
  looksAtCpu: false,
  needs: [],
  foreign: [],
  availableUnasked: false,
};

/** A row of a library's table. */
export interface TableRow {
  op: string;
  name: string;
  tier: string;
  available: boolean;
  numerics: number;
  promises: number;
  code: Survey;
}

/** How a runner ended. */
export type Death =
  | { is: 'crashed'; signal: number; address: number; write: boolean | null; words: string }
  | { is: 'hung'; afterMilliseconds: number }
  | { is: 'exited'; code: number; words: string };

/** What came of one call. */
export type RunResult =
  | {
      is: 'returned';
      status: number;
      executed: string | null;
      disturbed: string[];
      scratchBytes: number;
      scratchOverrun: boolean;
      /** The first repetition that left something else than the first call. */
      differed: number | null;
      /** What came of the call on the other thread. */
      beside: RunResult | null;
    }
  | { is: 'refused'; error: string };

export type Response =
  /** `files`: what a module's code was loaded from. */
  | { is: 'table'; name: string; version: string; kernels: TableRow[]; files?: string[] }
  | { is: 'available'; available: boolean }
  | { is: 'mapped'; addresses: number[] }
  | { is: 'ran'; results: RunResult[] }
  | { is: 'timed'; nanoseconds: number[] }
  | { is: 'refused'; error: string }
  | Death;

/** What `run` returned. */
export const status = { ok: 0, unsupported: 1, invalid: 2 } as const;

/** Bits of a kernel's promises (kernel-abi.h, bits.md), by the names that reports use. */
export const promiseBits: Readonly<Record<Promised, number>> = {
  threads: 1,
  batch: 2,
  placement: 4,
  'all tiers': 8,
  'fma tiers': 16,
};

const signalNames: Readonly<Record<number, string>> = {
  4: 'SIGILL (illegal instruction)',
  6: 'SIGABRT (abort)',
  7: 'SIGBUS (bus error)',
  8: 'SIGFPE (arithmetic trap)',
  9: 'SIGKILL',
  11: 'SIGSEGV (segmentation fault)',
};

/** A signal's name, with what it means. */
export function signalName(signal: number): string {
  return signalNames[signal] ?? `signal ${signal}`;
}
