/** Which calls a stage is asked of, and how often they are repeated. */

import { expect, test } from 'vitest';
import { gqaCase } from '../reference/testing/gqa_cases.ts';
import type { Case } from '../src/case/case.ts';
import { drawCase } from '../src/check/generate.ts';
import { gqa } from './gqa/index.ts';
import { suites } from './index.ts';
import { repetitions, stages, withOtherData } from './stages.ts';
import { brokenBy } from './testing/contract.ts';

test('a small call is repeated a thousand times, a large one once, none not at all', () => {
  expect(repetitions(999, 100)).toBe(999);
  expect(repetitions(999, 10_000)).toBe(13);
  expect(repetitions(999, 1 << 22)).toBe(1);
  expect(repetitions(5, 0)).toBe(5);
});

test('a call is restless that several threads may share, if only by its keys', () => {
  const restless = stages.find(({ name }) => name === 'restless')!;
  const isAsked = (c: Case) =>
    restless.of(c, { draw: () => 0, other: () => c, near: () => c, atMost: times => times }) !== null;
  expect(isAsked(gqaCase({ headDim: 8, keys: 400 }))).toBe(true);
  expect(isAsked(gqaCase({ headDim: 8, keys: 4 }))).toBe(false);
  expect(isAsked(gqaCase({ headDim: 8, keys: 400, qLen: 0 }))).toBe(false);
});

test('a call of few outputs and many keys costs what its keys cost', () => {
  const of = (name: string) => gqa.cost(gqa.named.find(each => each.name.includes(name))!.case);
  // 96 outputs, 2100 keys of 96 elements: q k, p v, and both read.
  expect(of("one head's decode beyond its window")).toBe(4 * 2100 * 96);
  for (let k = 0; k < 300; k++) {
    const c = drawCase(gqa, 3, k).case;
    if (!c.tensors.blockTable) continue;
    const { q, k: keys, blockTable } = c.tensors;
    const room = keys.shape[1] * blockTable.shape[1];
    const elements = q.shape.reduce((a, b) => a * b);
    expect(gqa.cost(c)).toBe(2 * elements * room + 2 * keys.shape.reduce((a, b) => a * b));
  }
});

test.each(suites)('a call of $op with other data is as valid, lists of integers among it', suite => {
  let turned = 0;
  for (let k = 0; k < 400; k++) {
    const c = drawCase(suite, 3, k).case;
    const other = withOtherData(c);
    expect({ k, wrong: brokenBy(other) }).toEqual({ k, wrong: undefined });
    const { positions, kvLen } = other.tensors;
    if (positions !== c.tensors.positions || kvLen !== c.tensors.kvLen) turned++;
  }
  expect(turned > 0).toBe(suite.op !== 'rms_norm');
});
