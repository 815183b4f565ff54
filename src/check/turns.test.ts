/** Whose turn it is: counts decide, whoever counts. */

import { describe, expect, test } from 'vitest';
import type { Property } from './property.ts';
import { addAsked, Turns } from './turns.ts';

const property = (name: string, ways?: number): Property => ({
  name,
  says: '',
  ...(ways && { ways }),
  ask: () => 'held',
});
const properties = [property('a'), property('b'), property('c', 6)];

/** How often each comes first in so many waves of 256 cases. */
function asked(waves: number, unitCases: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let wave = 0; wave < waves; wave++) {
    const before = { ...counts };
    for (let unit = 0; unit < 256; unit += unitCases) {
      const turns = new Turns(before);
      for (let k = 0; k < unitCases; k++)
        turns.count('f32', turns.order(properties, 'f32', wave * 256 + unit + k)[0]);
      for (const [key, n] of Object.entries(turns.here)) counts[key] = (counts[key] ?? 0) + n;
    }
  }
  return counts;
}

test('what has more ways is asked more often, and nothing is left out', () => {
  const counts = asked(8, 8);
  const [a, b, c] = ['f32#a', 'f32#b', 'f32#c'].map(key => counts[key] ?? 0);
  expect(a + b + c).toBe(2048);
  expect(Math.min(a, b)).toBeGreaterThan(2048 / 16);
  expect(c / Math.max(a, b)).toBeGreaterThan(3);
});

test('what was asked least comes first, whatever the case', () => {
  const turns = new Turns({ 'f32#a': 1000, 'f32#c': 6000, 'f16#b': 5000 });
  for (let k = 0; k < 50; k++) expect(turns.order(properties, 'f32', k)[0].name).toBe('b');
});

test('by counts alone where they are further apart than a wave brings', () => {
  // Eight ways in all, so a wave asks each 256 / 3 / 8 = 10.7 times in one type.
  const turns = new Turns({ 'f32#a': 11, 'f32#c': 66 });
  for (let k = 0; k < 500; k++) expect(turns.order(properties, 'f32', k)[0].name).toBe('b');
});

test('cases that know nothing of each other are spread over all that is due', () => {
  // What one was asked more than another, but less than a wave brings, does not yet decide.
  const before = { 'f32#a': 2, 'f32#c': 12 };
  const first = Array.from({ length: 256 }, (_, k) => new Turns(before).order(properties, 'f32', k)[0].name);
  for (const name of ['a', 'b', 'c'])
    expect(first.filter(each => each === name).length).toBeGreaterThan(256 / 8);
});

test('what was asked here and elsewhere adds up', () => {
  const turns = new Turns({ 'f32#a': 300, 'f32#b': 300, 'f32#c': 6000 });
  for (let i = 0; i < 300; i++) turns.count('f32', properties[0]);
  for (let k = 0; k < 50; k++) expect(turns.order(properties, 'f32', k)[0].name).toBe('b');
  const sum: Record<string, number> = { 'f32#a': 2 };
  addAsked(sum, turns.here);
  addAsked(sum, { 'f16#b': 1 });
  expect(sum).toEqual({ 'f32#a': 302, 'f16#b': 1 });
});

test('the order is a function of the counts and the case', () => {
  const order = () => new Turns({ 'f32#a': 3 }).order(properties, 'f32', 77).map(({ name }) => name);
  expect(order()).toEqual(order());
});

describe('a property that turns on a dimension', () => {
  const turning = { ...property('d'), about: ['rows'] };
  const all = [...properties, turning];
  const edge = { dimension: 'rows', edge: '16 and more' };
  const elsewhere = { dimension: 'width', edge: 'odd' };
  /** Counts of which everything was asked more often than it. */
  const before = { 'f32#a': 5, 'f32#b': 5, 'f32#c': 30, 'f32#d': 900 };
  const first = (turns: Turns, ...edges: { dimension: string; edge: string }[]) =>
    Array.from({ length: 40 }, (_, k) => turns.order(all, 'f32', k, edges)[0].name);

  test('comes first where it was hardly asked on an edge, but for some cases', () => {
    const names = first(new Turns(before), edge);
    expect(names.filter(name => name === 'd').length).toBeGreaterThan(10);
    expect(names.filter(name => name !== 'd').length).toBeGreaterThan(10);
    expect(first(new Turns(before), elsewhere)).not.toContain('d');
    expect(first(new Turns(before))).not.toContain('d');
  });

  test('comes before one whose edges are seen all the time, of half of what is asked', () => {
    const other = { ...property('e'), about: ['width'] };
    const turns = new Turns({ ...before, 'f32#e': 0 });
    for (let i = 0; i < 9; i++) turns.see([elsewhere, ...(i < 2 ? [edge] : [])]);
    const order = turns.order([...all, other], 'f32', 7, [edge, elsewhere], 4).map(({ name }) => name);
    expect(order.slice(0, 2)).toEqual(['d', 'e']);
    expect(turns.order([...all, other], 'f32', 7, [edge, elsewhere], 2)[0].name).toBe('d');
    expect(new Set(order).size).toBe(all.length + 1);
  });

  test('waits for its turn once it was', () => {
    const turns = new Turns(before);
    for (let i = 0; i < 4; i++) turns.count(i % 2 ? 'f32' : 'f16', turning, [edge, elsewhere]);
    expect(first(turns, edge)).not.toContain('d');
    expect(first(turns, edge, { dimension: 'rows', edge: '1' })).toContain('d');
    expect(turns.here).toEqual({ 'f32#d': 2, 'f16#d': 2, 'd at rows: 16 and more': 4 });
  });
});
