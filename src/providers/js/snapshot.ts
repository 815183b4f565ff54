/** What stands in the memory of a call, kept: to put it back, and to tell whether a call left the same. */

import { type Dtype, isNaNBits, sizeOf } from '../../case/dtype.ts';

/** The memory of one tensor's slot. */
export interface Area {
  readonly memory: ArrayBuffer;
  readonly dtype: Dtype;
}

/** The bytes of some slots at one moment. */
export class Snapshot {
  readonly #areas: readonly Area[];
  readonly #kept: readonly Uint8Array[];

  constructor(areas: readonly Area[]) {
    this.#areas = areas;
    this.#kept = areas.map(({ memory }) => new Uint8Array(memory.slice(0)));
  }

  /** Puts them back. */
  restore(): void {
    this.#areas.forEach(({ memory }, i) => {
      new Uint8Array(memory).set(this.#kept[i]);
    });
  }

  /** Whether the same stands there now; every NaN is one value. */
  holds(): boolean {
    return this.#areas.every(({ memory, dtype }, i) => {
      const [then, now] = [this.#kept[i], new Uint8Array(memory)];
      return Buffer.compare(then, now) === 0 || sameValues(then, now, dtype);
    });
  }
}

function sameValues(a: Uint8Array, b: Uint8Array, dtype: Dtype): boolean {
  if (dtype === 'i32') return false;
  const words = ({ buffer }: Uint8Array) =>
    sizeOf(dtype) === 4 ? new Uint32Array(buffer) : new Uint16Array(buffer);
  const [then, now] = [words(a), words(b)];
  return then.every((word, i) => word === now[i] || (isNaNBits(word, dtype) && isNaNBits(now[i], dtype)));
}
