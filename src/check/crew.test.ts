/** What a crew makes of tasks that can't be done. */

import { expect, test } from 'vitest';
import { alone, certain, Mishap, type Task, threads } from './crew.ts';
import type { Assignment } from './examiner.ts';

const assignment: Assignment = {
  providers: [],
  kernels: [],
  dtypes: ['f32'],
  seed: 1,
  properties: null,
  inProcess: true,
};

/** Throws: there is no such op. */
const impossible = {
  do: 'unit',
  unit: { op: 'conv' as 'rope', from: 0, to: 8, closed: [], asked: {} },
} satisfies Task;
const possible = { do: 'digest', kernel: 'none', dtype: 'f32' } satisfies Task;

test('a task that throws is a mishap that says where, and the next one is done', async () => {
  const crew = alone(assignment);
  const [mishap] = await crew.all([impossible]);
  expect(mishap).toBeInstanceOf(Mishap);
  expect((mishap as Mishap).message).toMatch(/^\w*Error: .*conv.* \(at .+\.ts:\d+:\d+\)?\)$/);
  expect(await crew.all([possible])).toEqual([null]);
  await crew.close();
});

test('a thread that ends is a mishap for each of its tasks, not the end', async () => {
  // Its program is only there in a build.
  const crew = threads(assignment, 2);
  const results = await crew.all([possible, possible, possible]);
  expect(results.map(result => (result as Mishap).message)).toEqual(
    Array(3).fill(expect.stringContaining('worker.js')),
  );
  await crew.close();
});

test('where there is no going on, a mishap is thrown', () => {
  expect(certain([1, 2])).toEqual([1, 2]);
  expect(() => certain([1, new Mishap('no more')])).toThrow('no more');
});
