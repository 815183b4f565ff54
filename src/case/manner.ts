/** How a call is made, beside what it asks: what must not matter to its result. */

/** What memory and registers hold before a call, where they may hold anything. */
export const fills = ['nan', 'zero', 'one'] as const;
export type Fill = (typeof fills)[number];

export interface Manner {
  /** How often more, each time from what was there before the first; it ends with the first that leaves something else. */
  readonly again?: number;
  /** What scratch holds, and registers and stack that the calling convention leaves open. */
  readonly fill?: Fill;
  /** Which end of scratch lies flush against a guard; absent: its end. */
  readonly scratchEdge?: 'end' | 'start';
  /** Scratch holds what the call before left, from the second call on. */
  readonly scratchStays?: boolean;
  /** A stack of 256 KiB. */
  readonly littleStack?: boolean;
  /** Tensors' `data` is the start of their memory, and `byte_offset` leads to their first element. */
  readonly byOffset?: boolean;
  /** Seed of a restless environment: threads come late, signals arrive, processors go away. */
  readonly jitter?: number;
}
