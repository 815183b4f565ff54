/** What is made once for a case serves all ways to ask it that mean the same. */

import { expect, test } from 'vitest';
import { expectedOf } from '../../reference/index.ts';
import { inputsAreIndependent, plainly, withPoison } from '../../suites/derive.ts';
import { suites } from '../../suites/index.ts';
import { rmsNorm } from '../../suites/rms_norm/index.ts';
import { withOtherData } from '../../suites/stages.ts';
import { type Case, inputsOf } from '../case/case.ts';
import { sizeOf } from '../case/dtype.ts';
import { materialise } from '../case/materialise.ts';
import { Host } from '../providers/host.ts';
import { load, native } from '../providers/provider.ts';
import { SlotPool } from '../providers/slots.ts';
import { drawCase } from './generate.ts';
import { Lab } from './lab.ts';

const lab = new Lab(new SlotPool(), new Map());
const drawn = suites.flatMap(suite =>
  Array.from({ length: 60 }, (_, k) => drawCase(suite, 4, k).case).filter(c => suite.cost(c) < 5000),
);
const shares = (a: Case, b: Case) => lab.expected(a, 'f32') === lab.expected(b, 'f32');

test('the reference is computed once for all that differ in poison, threads and place alone', () => {
  // Where views share elements, what they hold is told from memory, each time.
  const apart = drawn.filter(inputsAreIndependent);
  expect(apart.length).toBeGreaterThan(drawn.length / 2);
  for (const c of apart) {
    expect(shares(c, withPoison(c, 'zero'))).toBe(true);
    expect(shares(c, { ...c, threads: 9 })).toBe(true);
    expect(shares(c, plainly(c, 'end', 3))).toBe(true);
    lab.clear();
  }
});

test('other data, other parameters and other types have their own', () => {
  for (const c of drawn) {
    expect(shares(c, { ...c, params: { ...c.params } } as Case)).toBe(false);
    if (inputsOf(c).some(role => c.tensors[role].data)) expect(shares(c, withOtherData(c))).toBe(false);
    lab.clear();
  }
});

test('what is shared is what would be made', () => {
  for (const c of drawn) {
    lab.expected(c, 'f32');
    for (const other of [withPoison(c, 'zero'), plainly(c, 'start', 1), withOtherData(c)]) {
      const made = materialise(other);
      expect(lab.made(other).inputs).toEqual(made.inputs);
      const [mine, due] = [lab.expected(other, 'f32'), expectedOf(other, made.inputs)];
      expect(mine.map(({ ref, hard, rules }) => ({ ref, hard, rules }))).toEqual(
        due.map(({ ref, hard, rules }) => ({ ref, hard, rules })),
      );
    }
    lab.clear();
  }
});

test('many kernels meet on memory of more address space than a process has', () => {
  const provider = load(native);
  const pool = new SlotPool();
  const host = new Host(provider, pool);
  const own = new Lab(pool, new Map([['native', host]]));
  const [one] = provider.kernels.filter(({ op, tier }) => op === 'rms_norm' && tier === 'scalar');
  const many = Array.from({ length: 80 }, (_, i) => ({ ...one, name: `k${i}` }));
  const { case: plain } = rmsNorm.named.find(({ name }) => name.endsWith('first norm, f32'))!;
  // Two rows a terabyte apart, of x and of y.
  const far = 2 ** 40;
  const apart = (role: string) => {
    const { dtype, shape } = plain.tensors[role];
    return { ...plain.tensors[role], offset: 0, shape: [2, shape[1]], strides: [far / sizeOf(dtype), 1] };
  };
  const bytes = far + 4096;
  const buffers = Object.entries(plain.buffers).map(([name, buffer]) => [
    name,
    name === 'weight' ? buffer : { ...buffer, bytes, sparse: true },
  ]);
  const c = {
    ...plain,
    buffers: Object.fromEntries(buffers),
    tensors: { x: apart('x'), weight: plain.tensors.weight, y: apart('y') },
  } as Case;
  try {
    expect(own.runAll(many, c).map(({ is }) => is)).toEqual(Array(80).fill('ok'));
  } finally {
    own.clear();
    host.close();
  }
});
