/** The expectation of an output whose bits the contract fixes. */

import { type Bits, decodeAll } from '../src/case/dtype.ts';
import { type Expected, rule } from './expected.ts';

/** Where a tensor's chosen rows stand. */
type Place = Pick<Expected, 'role' | 'dtype' | 'rowLength' | 'rows'>;

/** `bits`, every NaN one value; of the chosen rows, one behind the other. */
export function exactly(place: Place, bits: Bits): Expected {
  const none = new Float64Array(bits.length);
  return {
    ...place,
    exact: bits,
    ref: decodeAll(bits, place.dtype),
    hard: none,
    typical: none,
    rules: new Uint8Array(bits.length).fill(rule.bits),
  };
}
