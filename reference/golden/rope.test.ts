import { expect, test } from 'vitest';
import { check, type GoldenVector, goldenVectors, handful } from './rope.ts';

const vectors = goldenVectors();
const of = <K extends GoldenVector['kind']>(kind: K) =>
  vectors.find((v): v is Extract<GoldenVector, { kind: K }> => v.kind === kind)!;

test('the reference agrees with every golden vector', () => {
  expect(vectors.length).toBeGreaterThan(60);
  expect(check(vectors)).toEqual([]);
});

test('what starts every run is of every kind, scaling and type', () => {
  const started = handful();
  expect(new Set(started.map(({ kind }) => kind)).size).toBe(3);
  expect(new Set(started.map(v => ('scaling' in v ? v.scaling.type : 'angles'))).size).toBe(5);
  expect(new Set(started.map(v => ('dtype' in v ? v.dtype : ''))).size).toBe(4);
});

test('the neighbour of a frequency is seen', () => {
  const vector = of('frequencies');
  const [first, second, ...rest] = vector.invFreq;
  const off = { ...vector, invFreq: [first, second * (1 + 2 ** -52), ...rest] };
  expect(check([off])).toHaveLength(1);
});

test('a cosine, or a sine, that is off by 2^-51 is seen', () => {
  const vector = of('angles');
  const [angle, cosine, sine] = vector.angles[3];
  const off = (text: string) => String(Number(text) + 2 ** -51);
  expect(check([{ ...vector, angles: [[angle, off(cosine), sine]] }])).toHaveLength(1);
  expect(check([{ ...vector, angles: [[angle, cosine, off(sine)]] }])).toHaveLength(1);
});

test('a disagreement in the twelfth digit of y, a NaN, an infinity, a copy that is none are seen', () => {
  const vector = of('rotation');
  const [first, ...rest] = vector.y;
  for (const wrong of [String(Number(first) * (1 + 4e-12)), 'nan', 'inf', 'stored']) {
    expect(check([{ ...vector, y: [wrong, ...rest] }])).toHaveLength(1);
  }
  expect(check([{ ...vector, y: rest }])).toHaveLength(1);
});
