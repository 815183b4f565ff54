/** The expectation of an output whose bits the contract fixes. */

import type { Bits } from '../src/case/dtype.ts';
import type { Expected } from './expected.ts';

const nothing = new Float64Array(0);
const noRules = new Uint8Array(0);

/** Where a tensor's chosen rows stand. */
type Place = Pick<Expected, 'role' | 'dtype' | 'rowLength' | 'rows'>;

/** `bits`, every NaN one value; of the chosen rows, one behind the other. */
export function exactly(place: Place, bits: Bits): Expected {
  return { ...place, exact: bits, ref: nothing, hard: nothing, typical: nothing, rules: noRules };
}
