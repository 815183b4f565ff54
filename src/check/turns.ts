/**
 * Whose turn it is: of what can be asked of a case, that which was asked least for the number of ways there are
 * to ask it.
 */

import type { FloatDtype } from '../case/dtype.ts';
import { hash } from '../case/random.ts';
import type { Property } from './property.ts';

/** How often each property was asked, by type and name: cases, not kernels. */
export type Asked = Readonly<Record<string, number>>;

/** Adds what was asked elsewhere. */
export function addAsked(sum: Record<string, number>, more: Asked): void {
  for (const [key, n] of Object.entries(more)) sum[key] = (sum[key] ?? 0) + n;
}

/** Cases that are dealt out with the same counts: those of a wave. */
const waveCases = 256;
const types = 3;

/** The turns of one stretch of cases. */
export class Turns {
  readonly #before: Asked;
  readonly #here: Record<string, number> = {};

  /** @param before - what was asked before the stretch's wave. */
  constructor(before: Asked) {
    this.#before = before;
  }

  /** What was asked in the stretch. */
  get here(): Asked {
    return this.#here;
  }

  /** Counts that a property was asked of a case. */
  count(dtype: FloatDtype, property: string): void {
    const key = `${dtype}#${property}`;
    this.#here[key] = (this.#here[key] ?? 0) + 1;
  }

  /**
   * The properties in the order in which case k should be asked them.
   *
   * Stretches of one wave begin with the same counts, so that it does not matter who examines them; what a hash
   * adds spreads their cases over what a wave should ask.
   */
  order(properties: readonly Property[], dtype: FloatDtype, k: number): readonly Property[] {
    const ways = properties.reduce((sum, { ways = 1 }) => sum + ways, 0);
    const spread = waveCases / types / ways;
    const due = properties.map((property, i) => {
      const key = `${dtype}#${property.name}`;
      const asked = (this.#before[key] ?? 0) + (this.#here[key] ?? 0);
      return { property, at: asked / (property.ways ?? 1) + (spread * hash(k, i)) / 2 ** 32 };
    });
    return due.sort((a, b) => a.at - b.at).map(({ property }) => property);
  }
}
