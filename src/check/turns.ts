/**
 * Whose turn it is: of what can be asked of a case, that which was asked least for the number of ways there are
 * to ask it; before all, where the case stands on an edge that a property turns on and was hardly asked on, that
 * property.
 */

import type { FloatDtype } from '../case/dtype.ts';
import { hash } from '../case/random.ts';
import type { Property } from './property.ts';

/** An edge that a case stands on. */
export interface Edge {
  readonly dimension: string;
  readonly edge: string;
}

/** How often each property was asked, by type and name, and on each edge that it turns on: cases, not kernels. */
export type Asked = Readonly<Record<string, number>>;

/** Adds what was asked elsewhere. */
export function addAsked(sum: Record<string, number>, more: Asked): void {
  for (const [key, n] of Object.entries(more)) sum[key] = (sum[key] ?? 0) + n;
}

/** Cases that are dealt out with the same counts: those of a wave. */
const waveCases = 256;
const types = 3;
/** On an edge that it turns on, a property is asked so often before its turn. */
const asksOfEdge = 4;
/** So many properties of a case come before their turn, of every second case: what is due is not left out meanwhile. */
const early = 2;

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

  /** Counts that a property was asked of a case, which stands on these edges. */
  count(dtype: FloatDtype, property: Property, edges: readonly Edge[] = []): void {
    for (const key of [`${dtype}#${property.name}`, ...edgeKeys(property, edges)])
      this.#here[key] = (this.#here[key] ?? 0) + 1;
  }

  #asked(key: string): number {
    return (this.#before[key] ?? 0) + (this.#here[key] ?? 0);
  }

  /**
   * The properties in the order in which case k should be asked them.
   *
   * Stretches of one wave begin with the same counts, so that it does not matter who examines them; what a hash
   * adds spreads their cases over what a wave should ask.
   */
  order(
    properties: readonly Property[],
    dtype: FloatDtype,
    k: number,
    edges: readonly Edge[] = [],
  ): readonly Property[] {
    const ways = properties.reduce((sum, { ways = 1 }) => sum + ways, 0);
    const spread = waveCases / types / ways;
    const due = properties.map((property, i) => {
      const asked = this.#asked(`${dtype}#${property.name}`);
      return { property, at: asked / (property.ways ?? 1) + (spread * hash(k, i)) / 2 ** 32 };
    });
    const order = due.sort((a, b) => a.at - b.at).map(({ property }) => property);
    if (hash(k, properties.length) % 2 === 0) return order;
    const isNew = (property: Property) =>
      edgeKeys(property, edges).some(key => this.#asked(key) < asksOfEdge);
    const first = order.filter(isNew).slice(0, early);
    return [...first, ...order.filter(property => !first.includes(property))];
  }
}

/** Keys of the edges that a property turns on, of those that a case stands on. */
function edgeKeys({ name, about }: Property, edges: readonly Edge[]): string[] {
  if (!about) return [];
  return edges
    .filter(({ dimension }) => about.includes(dimension))
    .map(({ dimension, edge }) => `${name} at ${dimension}: ${edge}`);
}
