/** How a call is made, beside what it asks: what must not matter to its result. */

/** What memory and registers hold before a call, where they may hold anything. */
export const fills = ['nan', 'zero', 'one'] as const;
export type Fill = (typeof fills)[number];

/**
 * Ways to say the same by the C interface: `data` is the start of a tensor's memory and `byte_offset` leads to its
 * first element; tensors without gaps come without strides; strides of dimensions of size 1 are any; `struct_size`
 * is that of a later version; `scratch_size` was asked before int32 tensors were filled.
 */
export const wordings = ['byteOffset', 'noStrides', 'oddStrides', 'longerStruct', 'sizedEarly'] as const;
export type Wording = (typeof wordings)[number];

export interface Manner {
  /** How often more, each time from what was there before the first; it ends with the first that leaves something else. */
  readonly again?: number;
  /** What scratch holds, and registers and stack that the calling convention leaves open. */
  readonly fill?: Fill;
  /** Which end of scratch lies flush against a guard; absent: its end. */
  readonly scratchEdge?: 'end' | 'start';
  /** Scratch holds what the call before left, from the second call on. */
  readonly scratchStays?: boolean;
  /** The first call has the scratch of the call before it, as that left it, if it asked for as much. */
  readonly scratchHandedOn?: boolean;
  /** A stack of 256 KiB. */
  readonly littleStack?: boolean;
  /** Another way than the plain one to put it into structs. */
  readonly wording?: Wording;
  /** Seed of a restless environment: threads come late, signals arrive, processors go away. */
  readonly jitter?: number;
}
