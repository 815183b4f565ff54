import { describe, expect, it } from 'vitest';
import { differingDigits } from './digits.ts';

const marked = (expected: string, seen: string) =>
  differingDigits(expected, seen).map(d => `${d.same}[${d.differs}]${d.after}`);

describe('differing digits', () => {
  it.each([
    ['-0.165256780', '-0.165256291', '-0.165256[780]', '-0.165256[291]'],
    ['1.25e-7', '1.31e-7', '1.[25]e-7', '1.[31]e-7'],
    ['1.25', '1.2531', '1.25[]', '1.25[31]'],
    ['3', '3', '3[]', '3[]'],
  ])('%s and %s differ at the end', (expected, seen, a, b) => {
    expect(marked(expected, seen)).toEqual([a, b]);
  });

  it.each([
    ['12.5', '125', 'size'],
    ['0.5', '-0.5', 'sign'],
    ['1.25e-7', '1.25e-8', 'exponent'],
    ['1.5', 'NaN', 'kind'],
  ])('%s and %s differ altogether, in %s', (expected, seen) => {
    expect(marked(expected, seen)).toEqual([`[${expected}]`, `[${seen}]`]);
  });
});
