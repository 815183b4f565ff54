import { expect, test } from 'vitest';
import type { Dimension } from '../../../suites/suite.ts';
import { count, noEvidence } from '../evidence.ts';
import { sharesOf } from './shares.ts';

const dimensions: Dimension[] = [
  { name: 'size', edges: ['small', 'large'], of: () => [] },
  { name: 'parity', edges: ['even', 'odd'], of: () => [] },
];

/** 200 cases, every fourth large; `fails` says where the property fails. */
function shares(fails: (k: number) => boolean, asked = (_: number) => true) {
  const evidence = noEvidence();
  const stands = new Map<number, number[]>();
  for (let k = 0; k < 200; k++) {
    stands.set(k, [k % 4 === 0 ? 1 : 0, 2 + (k % 2)]);
    if (asked(k)) count(evidence, 'p', !fails(k), k);
  }
  return sharesOf(evidence.when.p, stands, dimensions);
}

test('an edge on which it always fails, and those on which it never does', () => {
  const { cases, failed, edges } = shares(k => k % 4 === 0);
  expect({ cases, failed }).toEqual({ cases: 200, failed: 50 });
  expect(edges).toContainEqual({ dimension: 'size', edge: 'large', cases: 50, failed: 50 });
  expect(edges).toContainEqual({ dimension: 'size', edge: 'small', cases: 150, failed: 0 });
  expect(edges).toContainEqual({ dimension: 'parity', edge: 'odd', cases: 100, failed: 0 });
  expect(edges[0].dimension).toBe('size');
});

test('what fails everywhere, or anywhere by chance, has no telling edge', () => {
  expect(shares(() => true).edges).toEqual([]);
  expect(shares(k => (k * 2654435761) % 7 === 0).edges).toEqual([]);
  expect(shares(k => k < 3).edges).toEqual([]);
});

test('only cases that it was asked of count', () => {
  const { cases, edges } = shares(
    k => k % 4 === 0,
    k => k < 100,
  );
  expect(cases).toBe(100);
  expect(edges).toContainEqual({ dimension: 'size', edge: 'large', cases: 25, failed: 25 });
});
