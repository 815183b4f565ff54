/**
 * Whose turn it is: of what can be asked of a case, that which was asked least for the number of ways there are
 * to ask it; before that, where the case stands on an edge that a property turns on and was hardly asked on, that
 * property, those of rare edges first.
 */

import type { FloatDtype } from '../case/dtype.ts';
import { hash } from '../case/random.ts';
import type { Property } from './property.ts';

/** An edge that a case stands on. */
export interface Edge {
  readonly dimension: string;
  readonly edge: string;
}

/**
 * How often each property was asked, by type and name, and on each edge that it turns on; how often edges were
 * seen. Cases, not kernels.
 */
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
    for (const key of [
      `${dtype}#${property.name}`,
      ...turning(property, edges).map(edge => atEdge(property, edge)),
    ])
      this.#here[key] = (this.#here[key] ?? 0) + 1;
  }

  /** Counts that a case stands on these edges. */
  see(edges: readonly Edge[]): void {
    for (const edge of edges) this.#here[seen(edge)] = (this.#here[seen(edge)] ?? 0) + 1;
  }

  /** How seldom cases come by the rarest edge on which a property was hardly asked; infinite: there is none. */
  #rarity(property: Property, edges: readonly Edge[]): number {
    return turning(property, edges)
      .filter(edge => this.#asked(atEdge(property, edge)) < asksOfEdge)
      .reduce((least, edge) => Math.min(least, this.#asked(seen(edge))), Infinity);
  }

  #asked(key: string): number {
    return (this.#before[key] ?? 0) + (this.#here[key] ?? 0);
  }

  /**
   * The properties in the order in which case k should be asked them, `most` at most.
   *
   * Stretches of one wave begin with the same counts, so that it does not matter who examines them; what a hash
   * adds spreads their cases over what a wave should ask.
   */
  order(
    properties: readonly Property[],
    dtype: FloatDtype,
    k: number,
    edges: readonly Edge[] = [],
    most = 1,
  ): readonly Property[] {
    const ways = properties.reduce((sum, { ways = 1 }) => sum + ways, 0);
    const spread = waveCases / types / ways;
    const due = properties.map((property, i) => {
      const asked = this.#asked(`${dtype}#${property.name}`);
      return { property, at: asked / (property.ways ?? 1) + (spread * hash(k, i)) / 2 ** 32 };
    });
    const order = due.sort((a, b) => a.at - b.at).map(({ property }) => property);
    // Half of what is asked: what is due is not left out meanwhile.
    const early = most >= 2 ? Math.floor(most / 2) : hash(k, properties.length) % 2;
    const first = order
      .map(property => ({ property, rarity: this.#rarity(property, edges) }))
      .filter(({ rarity }) => rarity < Infinity)
      .sort((a, b) => a.rarity - b.rarity)
      .slice(0, early)
      .map(({ property }) => property);
    return [...first, ...order.filter(property => !first.includes(property))];
  }
}

/** The edges that a property turns on, of those that a case stands on. */
function turning({ about }: Property, edges: readonly Edge[]): readonly Edge[] {
  return about ? edges.filter(({ dimension }) => about.includes(dimension)) : [];
}

function atEdge({ name }: Property, { dimension, edge }: Edge): string {
  return `${name} at ${dimension}: ${edge}`;
}

function seen({ dimension, edge }: Edge): string {
  return `seen ${dimension}: ${edge}`;
}
