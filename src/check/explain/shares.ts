/** What failing cases share: on which edges they stand more often than cases do, or never. */

import type { Dimension } from '../../../suites/suite.ts';
import type { Explanation } from '../../run/document.ts';
import { casesOf, type When } from '../evidence.ts';

type Shares = NonNullable<Explanation['shares']>;

/** The edges that each case of a sequence stands on: numbers into `edgeNames`. */
export type Stands = ReadonlyMap<number, ArrayLike<number>>;

/** All edges of some dimensions, in order. */
export function edgeNames(dimensions: readonly Dimension[]): { dimension: string; edge: string }[] {
  return dimensions.flatMap(({ name, edges }) => edges.map(edge => ({ dimension: name, edge })));
}

/** Edges that are told, at most. */
const mostTold = 24;
/** What chance alone gives to one edge in ten thousand: a chi-square of one degree of freedom. */
const notByChance = 15.1;

/** The edges at which a property fails more or less often than elsewhere, the surest first. */
export function sharesOf({ asked, failed }: When, stands: Stands, dimensions: readonly Dimension[]): Shares {
  const names = edgeNames(dimensions);
  const count = (moments: When['asked']) => {
    const on = new Float64Array(names.length);
    let cases = 0;
    for (const k of casesOf(moments)) {
      const edges = stands.get(k);
      if (!edges) continue;
      cases++;
      for (let i = 0; i < edges.length; i++) on[edges[i]]++;
    }
    return { on, cases };
  };
  const [all, bad] = [count(asked), count(failed)];
  const edges = names
    .map((name, i) => ({ ...name, cases: all.on[i], failed: bad.on[i] }))
    .map(edge => ({ edge, surety: dependence(edge.failed, edge.cases, bad.cases, all.cases) }))
    .filter(({ surety }) => surety > notByChance)
    .sort((a, b) => b.surety - a.surety)
    .slice(0, mostTold)
    .map(({ edge }) => edge);
  return { cases: all.cases, failed: bad.cases, edges };
}

/**
 * How much a 2 x 2 table speaks against independence: the likelihood ratio G (2 sum of O ln(O / E)), which also
 * holds for small counts and zeros.
 */
function dependence(failedOn: number, on: number, failed: number, all: number): number {
  const cells = [
    [failedOn, failed, on],
    [failed - failedOn, failed, all - on],
    [on - failedOn, all - failed, on],
    [all - failed - on + failedOn, all - failed, all - on],
  ];
  return cells.reduce(
    (sum, [seen, row, column]) => sum + (seen > 0 ? 2 * seen * Math.log((seen * all) / (row * column)) : 0),
    0,
  );
}
