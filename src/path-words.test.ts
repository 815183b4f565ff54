import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pathWords } from './path-words.ts';

test('a path inside the working folder is told from there on, another one whole', () => {
  const here = process.cwd();
  expect(pathWords(join(here, 'a', 'b'))).toBe(join('a', 'b'));
  expect(pathWords('a')).toBe('a');
  expect(pathWords(here)).toBe('.');
  expect(pathWords(join(here, '..', 'beside'))).toBe(join(here, '..', 'beside'));
});
