/**
 * A seed and a number say a case, its bytes and its truth, on every machine: what they come to is written down here,
 * and whatever machine runs the tests compares. It changes with the suites, and then alone:
 * `npx vitest run src/check/generate.test.ts -u`.
 */

import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { expectedOf } from '../../reference/index.ts';
import { suites } from '../../suites/index.ts';
import type { Suite } from '../../suites/suite.ts';
import { outputElements } from '../case/case.ts';
import { inputBits } from '../case/materialise.ts';
import { drawCase } from './generate.ts';

const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);
/** With every NaN the same: processors differ in its sign. */
const oneNaN = (values: Float64Array) => values.map(value => (Number.isNaN(value) ? Number.NaN : value));

/** Digests of an op's first cases, of what stands in the inputs of small ones, and of the truth about these. */
function sequenceOf(suite: Suite) {
  const [cases, values, truths] = Array.from({ length: 3 }, () => createHash('sha256'));
  for (let k = 0; k < 400; k++) {
    const { case: c } = drawCase(suite, 1, k);
    cases.update(JSON.stringify(c));
    if (k >= 100 || outputElements(c) > 10_000) continue;
    const inputs = inputBits(c);
    for (const [role, bits] of Object.entries(inputs)) values.update(role).update(bytes(bits));
    for (const { ref, hard, typical, rules } of expectedOf(c, inputs)) {
      for (const array of [ref, hard, typical]) truths.update(bytes(oneNaN(array)));
      truths.update(rules);
    }
  }
  return [cases, values, truths].map(sum => sum.digest('hex').slice(0, 16)).join(' ');
}

test('the sequence of every op', () => {
  expect(Object.fromEntries(suites.map(suite => [suite.op, sequenceOf(suite)]))).toMatchInlineSnapshot(`
    {
      "gqa": "5231a8eacd8b5c1b 9ee19fd1e322acac dcdb21b1825932cc",
      "rms_norm": "2da581ef46e7f43b b8267ee3c8ea0749 61f68e2be7376b4b",
      "rope": "3d3f6719bacff58d 9ed15e224e19492f bb7d131ee175353f",
    }
  `);
});
