/** The expectation of an output whose bits the contract fixes. */

import { type Bits, decodeAll, round } from '../src/case/dtype.ts';
import { type Expected, rule } from './expected.ts';

/** Where a tensor's chosen rows stand. */
type Place = Pick<Expected, 'role' | 'dtype' | 'rowLength' | 'rows'>;

/**
 * `bits`, every NaN one value; of the chosen rows, one behind the other.
 *
 * @param others - of some elements, numbers that are as right once they are rounded.
 */
export function exactly(
  place: Place,
  bits: Bits,
  others: ReadonlyMap<number, readonly number[]> = new Map(),
): Expected {
  const none = new Float64Array(bits.length);
  const ref = decodeAll(bits, place.dtype);
  const rules = new Uint8Array(bits.length).fill(rule.bits);
  const expected = { ...place, exact: bits, ref, hard: none, typical: none, rules };
  if (others.size === 0) return expected;
  const ties = new Uint8Array(bits.length);
  for (const index of others.keys()) {
    rules[index] = 0;
    ties[index] = 1;
  }
  const nearest = (index: number, seen: number) =>
    others.get(index)?.find(value => round(value, place.dtype) === seen) ?? ref[index];
  return { ...expected, nearest, ties };
}
