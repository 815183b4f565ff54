/** What a check finds is a function of the seed and the number of cases: not of threads, nor of chance. */

import { expect, test } from 'vitest';
import type { Run } from '../src/run/document.ts';
import { check, mutants, tempFolder } from './testing/cli.ts';

const kernels = 'sequential,newton,returns-nan,reads-past-end,aborts';
const args = [
  '--library',
  mutants,
  '--op',
  'rms_norm',
  '--kernel',
  kernels,
  '--dtype',
  'f16',
  '--cases',
  '90',
  '--seed',
  '7',
];

/** All that must be the same. Addresses in messages are where the system put memory. */
function lasting({ cells, findings, edges, throughput }: Run): unknown {
  const { cases, calls, meanElements } = throughput!;
  const steady = JSON.stringify({ cells, findings, edges, cases, calls, meanElements });
  return JSON.parse(steady.replace(/address 0x[0-9a-f]+/g, 'address'));
}

test('one worker and two find the same, with the same evidence, and so does a second run', async () => {
  const [one, two, again] = await Promise.all(
    ['1', '2', '2'].map(workers => check([...args, '--workers', workers], tempFolder())),
  );
  expect(one.status).toBe(1);
  expect(one.run.findings.length).toBeGreaterThan(2);
  expect(lasting(two.run)).toEqual(lasting(one.run));
  expect(lasting(again.run)).toEqual(lasting(two.run));
});

test('fewer cases are the first of more, another seed has others', async () => {
  const native = (...more: string[]) =>
    check(['--tier', 'scalar,sse2', '--dtype', 'bf16', ...more], tempFolder());
  const [few, same, other] = await Promise.all([
    native('--cases', '60', '--seed', '3'),
    native('--cases', '60', '--seed', '3', '--budget', '60s'),
    native('--cases', '60', '--seed', '4'),
  ]);
  expect(lasting(same.run)).toEqual(lasting(few.run));
  expect(lasting(other.run)).not.toEqual(lasting(few.run));
  // Digests are over fixed cases: the same for every seed.
  expect(other.run.cells.map(cell => cell.digest)).toEqual(few.run.cells.map(cell => cell.digest));
});
