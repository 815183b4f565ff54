import { describe, expect, it } from 'vitest';
import { type Case, caseSchema } from '../src/case/case.ts';
import { recipeKinds, recipeSchema } from '../src/case/recipe.ts';
import { lieWords, memoryWords, paramWords, placementWords, recipeWords, tensorWords } from './case-words.ts';
import { rmsNormCase } from './testing/sample.ts';

describe('a case in words', () => {
  const plain = rmsNormCase(2, 5, 'f32');

  it('says type and data of a tensor, strides and offset only where they matter', () => {
    expect(tensorWords(plain.tensors.x)).toEqual({ type: 'f32 [2, 5]', layout: '', holds: 'normal, seed 7' });
    expect(tensorWords({ ...plain.tensors.x, strides: [8, 1], offset: 4 }).layout).toBe(
      'strides [8, 1], offset 4',
    );
    expect(tensorWords({ ...plain.tensors.x, shape: [1, 5], strides: [99, 1] }).layout).toBe('');
    expect(tensorWords({ ...plain.tensors.x, buffer: null }).holds).toBe('NULL');
  });

  it('has words for every kind of recipe', () => {
    for (const kind of Object.keys(recipeKinds)) {
      const recipe = recipeSchema.parse({ kind, values: [1, 2], fixture: 'set/name' });
      expect(recipeWords(recipe)).not.toBe('');
    }
  });

  it('tells scale, order of rows and patches', () => {
    const recipe = recipeSchema.parse({
      kind: 'normal',
      seed: 3,
      scale: 0.5,
      rows: [1, 0],
      patches: [
        { start: 12, count: 1, value: 'nan' },
        { start: 0, count: 3, step: 2, value: 7 },
      ],
    });
    expect(recipeWords(recipe)).toBe('normal × 0.5, seed 3, rows 1, 0; nan at 12, 7 3 from 0 by 2');
  });

  it('shows the elements of a small tensor, signs of zeros and what is no number among them', () => {
    const { x } = rmsNormCase(1, 4, 'f16').tensors;
    const patches = [
      { start: 0, count: 1, step: 1, value: 'inf' as const },
      { start: 1, count: 1, step: 1, value: '-0' as const },
      { start: 2, count: 1, step: 1, value: 'nan' as const },
    ];
    const data = { ...x.data!, kind: 'ramp' as const, scale: 0.1, patches };
    expect(tensorWords({ ...x, data }).holds).toMatch(/: Infinity, -0, NaN, 0\.399902$/);
    expect(tensorWords({ ...x, data: { ...data, patches: [], ulps: 0.5 } }).holds).toMatch(
      /of each 0\.5 ulps: /,
    );
    const constant = { ...x, data: { ...data, kind: 'constant' as const, patches: [] } };
    expect(tensorWords(constant).holds).toBe('every element 0.1');
    expect(tensorWords({ ...x, shape: [3, 4], data }).holds).not.toMatch(/NaN/);
  });

  it('says where buffers lie and what is in place', () => {
    expect(placementWords(plain)).toBe('x and y flush to the end guard; weight flush to the start guard');
    const inPlace: Case = { ...plain, tensors: { ...plain.tensors, y: { ...plain.tensors.y, buffer: 'x' } } };
    expect(placementWords(inPlace)).toContain('y in place of x');
    expect(memoryWords(plain)).toBe('3 buffers, 100 bytes; gaps hold nan and finite');
  });

  it('flattens nested parameters, and shows a lie', () => {
    const rope = caseSchema.parse({
      ...plain,
      op: 'rope',
      params: { rotaryDim: 4, interleaved: false, theta: 1e4, scaling: { type: 'linear', factor: 8 } },
    });
    expect(paramWords(rope).at(-1)).toEqual({ name: 'scaling', value: 'linear, factor 8' });
    expect(lieWords({ ...plain, lie: { structSize: -8 } })).toBe('structSize -8 bytes');
  });
});
