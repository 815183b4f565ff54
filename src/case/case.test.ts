import { expect, test } from 'vitest';
import { rmsNorm } from '../../suites/rms_norm/index.ts';
import { drawCase } from '../check/generate.ts';
import {
  type Case,
  caseSchema,
  cellDtype,
  countOf,
  inputsOf,
  ops,
  outputElements,
  outputsOf,
} from './case.ts';
import type { Recipe } from './recipe.ts';

const data: Recipe = {
  kind: 'normal',
  seed: 1,
  scale: 1,
  patches: [{ start: 0, count: 1, step: 2, value: '-inf' }],
};
const buffer = { bytes: 64, edge: 'end', sparse: false, poison: 'nan' } as const;
const view = (shape: number[]) => ({
  buffer: 'b',
  offset: 0,
  shape,
  strides: shape.map(() => 1),
  dtype: 'bf16' as const,
});
const common = { version: 1, buffers: { b: buffer }, threads: 3 } as const;

/** A case of each op with every field that there is. */
const full: readonly Case[] = [
  {
    ...common,
    op: 'rms_norm',
    params: { eps: 1e-6, weightOffset: 1, roundBeforeWeight: true },
    tensors: {
      x: { ...view([2, 3]), data },
      y: view([2, 3]),
      residualOut: { ...view([0, 3]), buffer: null },
    },
    lie: { structSize: -1, scratchBytes: -1, nan: 'eps' },
  },
  ...(
    [
      { type: 'none' },
      { type: 'linear', factor: 2 },
      { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 8192 },
      {
        type: 'yarn',
        factor: 4,
        betaFast: 32,
        betaSlow: 1,
        attentionFactor: 1.1,
        originalMaxPositions: 4096,
      },
    ] as const
  ).map(
    (scaling): Case => ({
      ...common,
      op: 'rope',
      params: { rotaryDim: 4, interleaved: true, theta: 10000, scaling },
      tensors: {
        x: { ...view([1, 2, 1, 4]), data },
        positions: {
          ...view([2]),
          dtype: 'i32',
          data: { ...data, kind: 'list', values: [0, 5], patches: [] },
        },
        y: view([1, 2, 1, 4]),
      },
    }),
  ),
  {
    ...common,
    op: 'gqa',
    params: { scale: 0.5, softcap: 30, window: 4, causal: true },
    tensors: { q: { ...view([1, 2, 4, 8]), data }, out: view([1, 2, 4, 8]) },
  },
];

const through = (c: unknown) => caseSchema.safeParse(JSON.parse(JSON.stringify(c)));

test('cases of every op come back from JSON as they were', () => {
  expect(new Set(full.map(c => c.op))).toEqual(new Set(ops));
  for (const c of full) expect(through(c).data).toEqual(c);
  for (let k = 0; k < 300; k++) {
    const c = drawCase(rmsNorm, 1, k).case;
    expect(through(c).data).toEqual(c);
  }
});

test('what is left out of a file takes its default', () => {
  const [c] = full;
  const { sparse: _, ...bare } = buffer;
  const x = { ...c.tensors.x, data: { kind: 'normal' } };
  const parsed = caseSchema.parse({ ...c, buffers: { b: bare }, tensors: { ...c.tensors, x } });
  expect(parsed.buffers.b.sparse).toBe(false);
  expect(parsed.tensors.x.data).toEqual({ kind: 'normal', seed: 0, scale: 1, patches: [] });
});

/** Every object within a value, with its path. */
function objects(
  value: unknown,
  path: (string | number)[] = [],
): { at: Record<string, unknown>; path: (string | number)[] }[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, child]) =>
    objects(child, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return Array.isArray(value) ? inner : [{ at: value as Record<string, unknown>, path }, ...inner];
}

test('a field that is not known is refused wherever it stands, and its place is named', () => {
  let places = 0;
  for (const c of full) {
    for (const { path } of objects(c)) {
      // Names of buffers and tensors are free.
      if (['buffers', 'tensors'].includes(String(path.at(-1)))) continue;
      const copy = structuredClone(c);
      let target: unknown = copy;
      for (const step of path) target = (target as Record<string | number, unknown>)[step];
      (target as Record<string, unknown>).surprise = 1;
      const parsed = through(copy);
      expect(parsed.success).toBe(false);
      expect(parsed.error?.issues[0]).toMatchObject({ code: 'unrecognized_keys', keys: ['surprise'], path });
      places++;
    }
  }
  expect(places).toBeGreaterThan(30);
});

test('another version is refused, and its place named', () => {
  for (const version of [0, 2, '1', null, undefined]) {
    const parsed = through({ ...full[0], version });
    expect(parsed.error?.issues[0].path).toEqual(['version']);
  }
});

test.each([
  ['op', { op: 'conv' }, ['op']],
  ['params of another op', { params: { rotaryDim: 4 } }, ['params', 'eps']],
  ['threads', { threads: 1.5 }, ['threads']],
  ['threads below 0', { threads: -1 }, ['threads']],
  ['bytes', { buffers: { b: { ...buffer, bytes: -1 } } }, ['buffers', 'b', 'bytes']],
  ['edge', { buffers: { b: { ...buffer, edge: 'middle' } } }, ['buffers', 'b', 'edge']],
  ['dtype', { tensors: { x: { ...view([1]), dtype: 'f8' } } }, ['tensors', 'x', 'dtype']],
  ['offset', { tensors: { x: { ...view([1]), offset: -4 } } }, ['tensors', 'x', 'offset']],
  ['recipe', { tensors: { x: { ...view([1]), data: { kind: 'magic' } } } }, ['tensors', 'x', 'data', 'kind']],
  [
    'seed',
    { tensors: { x: { ...view([1]), data: { kind: 'normal', seed: 2 ** 32 } } } },
    ['tensors', 'x', 'data', 'seed'],
  ],
])('a wrong %s is refused at its place', (_, wrong, path) => {
  expect(through({ ...full[0], ...wrong }).error?.issues[0].path).toEqual(path);
});

test('roles, counts and the cell of a case', () => {
  const [norm, rope] = full;
  expect([inputsOf(norm), outputsOf(norm)]).toEqual([['x'], ['y', 'residualOut']]);
  expect([outputElements(norm), outputElements(rope)]).toEqual([6, 8]);
  expect([cellDtype(norm), cellDtype(full.at(-1)!)]).toEqual(['bf16', 'bf16']);
  expect([countOf([]), countOf([3, 0]), countOf([2, 3, 4])]).toEqual([1, 0, 24]);
});
