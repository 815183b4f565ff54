import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeAll, dtypes, encode, type FloatDtype, floatDtypes, isNaNBits, sizeOf } from './dtype.ts';
import {
  makeValues,
  patchSchema,
  type Recipe,
  type RecipeKind,
  recipeKinds,
  recipeSchema,
} from './recipe.ts';

const kinds = Object.keys(recipeKinds) as RecipeKind[];

/** What else a kind needs. */
const needs: Partial<Record<RecipeKind, Partial<Recipe>>> = {
  list: { values: [3, -1.5, 0, 1e-3, 70000] },
  fixture: { fixture: 'smollm2/token_embd' },
};

function recipe(kind: RecipeKind, rest: Partial<Recipe> = {}): Recipe {
  return { kind, seed: 0xdecade, scale: 0.75, patches: [], ...needs[kind], ...rest };
}

const values = (of: Recipe, shape: readonly number[], dtype: FloatDtype = 'f32') =>
  decodeAll(makeValues(of, shape, dtype), dtype);

/**
 * SHA-256 (first 16 digits) of [7, 33] elements in f32, f16 and bf16, one behind the other. A change here changes
 * the data of every case, so that old failure files no longer hold what failed: raise the case's version with it.
 */
const pinned: Record<RecipeKind, string> = {
  constant: '184acec95f51022d',
  normal: '641ea49587694985',
  uniform: 'e0859ed5e8da0720',
  powers: '0d63b7988b04e41b',
  magnitudes: 'be609d5032aa9ba2',
  zeros: '2bda62fc058234b0',
  outlier: 'd4ba40af11d248ca',
  ramp: 'c9f76de56726e114',
  stairs: 'edfbf947106995cd',
  list: 'eb9dfa6161c6bbe3',
  cosine: 'c90d2ee8a62a51fd',
  sine: '649ab54513da5db1',
  patterns: '6d3c34129262d36d',
  fixture: 'ccef85df62043318',
};

describe.each(kinds)('%s', kind => {
  test('makes the bytes that it always made', () => {
    const sum = createHash('sha256');
    for (const dtype of floatDtypes) sum.update(makeValues(recipe(kind), [7, 33], dtype));
    expect(sum.digest('hex').slice(0, 16)).toBe(pinned[kind]);
  });

  test('is a function of the recipe alone, and of its seed where it has one', () => {
    const again = makeValues(structuredClone(recipe(kind)), [4, 50], 'f32');
    expect(makeValues(recipe(kind), [4, 50], 'f32')).toEqual(again);
    const other = makeValues(recipe(kind, { seed: 7 }), [4, 50], 'f32');
    expect(Buffer.compare(Buffer.from(other.buffer), Buffer.from(again.buffer)) !== 0).toBe(
      !['constant', 'ramp', 'stairs'].includes(kind),
    );
  });

  test('any part is the same part of the whole', () => {
    const whole = makeValues(recipe(kind), [6, 40], 'f16');
    expect(makeValues(recipe(kind), [2, 40], 'f16')).toEqual(whole.slice(0, 80));
    expect(makeValues(recipe(kind), [6, 4, 10], 'f32').length).toBe(240);
  });

  test('rows picks rows of the same data, twice too', () => {
    const order = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(order, fc.constantFrom(...floatDtypes), (rows, dtype) => {
        const whole = makeValues(recipe(kind), [10, 21], dtype);
        const picked = makeValues(recipe(kind, { rows }), [rows.length, 21], dtype);
        rows.forEach((row, i) => {
          expect(picked.slice(i * 21, i * 21 + 21)).toEqual(whole.slice(row * 21, row * 21 + 21));
        });
      }),
      { numRuns: 30 },
    );
  });

  test('rows are as large as their number makes them: blocks of many rows, or single elements', () => {
    const whole = makeValues(recipe(kind), [2, 3, 4], 'f32');
    const halves = makeValues(recipe(kind, { rows: [1, 0] }), [2, 3, 4], 'f32');
    expect([...halves]).toEqual([...whole.slice(12), ...whole.slice(0, 12)]);
    const backwards = Array.from({ length: 24 }, (_, i) => 23 - i);
    const single = makeValues(recipe(kind, { rows: backwards }), [2, 3, 4], 'f32');
    expect([...single]).toEqual([...whole].reverse());
    const middle = makeValues(recipe(kind, { rows: [1, 4] }), [2, 1, 4], 'f32');
    expect([...middle]).toEqual([...whole.slice(4, 8), ...whole.slice(16, 20)]);
  });

  test('scale multiplies every value', () => {
    const plain = values(recipe(kind, { scale: 1 }), [3, 20]);
    expect([...values(recipe(kind, { scale: -4 }), [3, 20])]).toEqual([...plain].map(value => value * -4));
  });
});

test.each(['f16', 'bf16'] as const)('half an ulp of each %s is what makes it a tie', dtype => {
  const every = recipe('patterns', { seed: 0, scale: 1 });
  const [value, half] = [values(every, [65536], dtype), values({ ...every, ulps: 0.5 }, [65536], dtype)];
  // Half the smallest subnormal is no value: below two ulps of the smallest normal number there are no ties.
  for (let i = 0; i < value.length; i++) {
    if (!Number.isFinite(value[i]) || half[i] === 0) continue;
    const [below, above] = [encode(value[i], dtype), encode(value[i], dtype) + 1];
    const even = below % 2 === 0 ? below : above;
    expect(encode(value[i] + half[i], dtype)).toBe(even);
    expect(encode(value[i] + half[i] * 1.001, dtype)).toBe(above);
    expect(encode(value[i] + half[i] * 0.999, dtype)).toBe(below);
  }
});

describe('the data is what recipeKinds says', () => {
  const many = [64, 512];

  test('normal: mean 0, standard deviation 1, at most 3.5', () => {
    const seen = values(recipe('normal', { scale: 1 }), many);
    const mean = seen.reduce((a, b) => a + b) / seen.length;
    const square = seen.reduce((a, b) => a + b * b, 0) / seen.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(square - 1)).toBeLessThan(0.05);
    expect(Math.max(...seen.map(Math.abs))).toBeLessThanOrEqual(3.5);
  });

  test('uniform: fills [-scale, scale) evenly', () => {
    const seen = values(recipe('uniform', { scale: 2 }), many);
    const tenths = new Array<number>(10).fill(0);
    for (const value of seen) tenths[Math.floor((value + 2) * 2.5)]++;
    expect(tenths.every(count => Math.abs(count / seen.length - 0.1) < 0.02)).toBe(true);
  });

  test('powers: every power from 2^-8 to 2^8, of both signs', () => {
    const seen = new Set(values(recipe('powers', { scale: 1 }), many));
    const wanted = Array.from({ length: 17 }, (_, i) => 2 ** (i - 8)).flatMap(p => [p, -p]);
    expect([...seen].sort((a, b) => a - b)).toEqual(wanted.sort((a, b) => a - b));
  });

  test('magnitudes: from 2^-20 to 2^20, of both signs', () => {
    const seen = values(recipe('magnitudes', { scale: 1 }), many);
    const exponents = new Set([...seen].map(value => Math.floor(Math.log2(Math.abs(value)))));
    expect([Math.min(...exponents), Math.max(...exponents), exponents.size]).toEqual([-20, 19, 40]);
    expect(seen.some(value => value < 0) && seen.some(value => value > 0)).toBe(true);
  });

  test('zeros: both', () => {
    const seen = values(recipe('zeros'), many);
    expect(new Set([...seen].map(value => (Object.is(value, -0) ? '-0' : String(value))))).toEqual(
      new Set(['0', '-0']),
    );
  });

  test('outlier: one a row, not always at one place', () => {
    const seen = values(recipe('outlier', { scale: 1 }), many);
    const places = Array.from({ length: 64 }, (_, row) => {
      const large = Array.from(seen.slice(row * 512, row * 512 + 512), Math.abs)
        .map((size, i) => ({ size, i }))
        .filter(({ size }) => size > 3.5);
      expect(large.length).toBeLessThanOrEqual(1);
      return large[0]?.i;
    });
    expect(new Set(places).size).toBeGreaterThan(30);
  });

  test('cosine and sine: points all around the unit circle', () => {
    const [cosines, sines] = (['cosine', 'sine'] as const).map(kind =>
      values(recipe(kind, { scale: 1 }), many),
    );
    const quadrants = [0, 0, 0, 0];
    cosines.forEach((cosine, i) => {
      expect(Math.abs(Math.hypot(cosine, sines[i]) - 1)).toBeLessThan(2 ** -24);
      quadrants[(cosine < 0 ? 2 : 0) + (sines[i] < 0 ? 1 : 0)]++;
    });
    expect(quadrants.every(count => Math.abs(count / cosines.length - 0.25) < 0.02)).toBe(true);
    expect(Math.abs(cosines.reduce((sum, value) => sum + value) / cosines.length)).toBeLessThan(0.02);
  });

  test('ramp, stairs, constant, list, fixture', () => {
    expect([...values(recipe('ramp', { scale: 2 }), [2, 3])]).toEqual([2, 4, 6, 2, 4, 6]);
    expect([...values(recipe('stairs', { scale: 2 }), [2, 3])]).toEqual([2, 2, 2, 4, 4, 4]);
    expect([...values(recipe('constant', { scale: -3 }), [2, 2])]).toEqual([-3, -3, -3, -3]);
    const list = recipe('list', { seed: 0, scale: 1, values: [1, 2, 3] });
    expect([...values(list, [5])]).toEqual([1, 2, 3, 1, 2]);
    const real = values(recipe('fixture', { seed: 0, scale: 1 }), [2, 576]);
    expect(new Set(real).size).toBeGreaterThan(500);
  });

  test('i32 takes a list as it is', () => {
    const list = recipe('list', { seed: 0, scale: 1, values: [0, -1, 2 ** 31 - 1] });
    expect([...decodeAll(makeValues(list, [3], 'i32'), 'i32')]).toEqual([0, -1, 2 ** 31 - 1]);
  });
});

describe('patches', () => {
  const base = recipe('normal');

  test('set their elements and no others, and end with the tensor', () => {
    fc.assert(
      fc.property(
        fc.record({
          start: fc.nat(70),
          count: fc.integer({ min: 1, max: 20 }),
          step: fc.integer({ min: 1, max: 9 }),
        }),
        fc.constantFrom(...floatDtypes),
        (place, dtype) => {
          const plain = makeValues(base, [4, 16], dtype);
          const patched = makeValues({ ...base, patches: [{ ...place, value: 3 }] }, [4, 16], dtype);
          const named = new Set(Array.from({ length: place.count }, (_, k) => place.start + k * place.step));
          expect(patched.length).toBe(64);
          patched.forEach((bits, i) => {
            expect(bits).toBe(named.has(i) ? encode(3, dtype) : plain[i]);
          });
        },
      ),
    );
  });

  test.each(floatDtypes)('have the special values of %s by name', dtype => {
    const bitsOf = (value: Recipe['patches'][number]['value']) =>
      makeValues({ ...base, patches: [{ start: 0, count: 1, step: 1, value }] }, [1], dtype)[0];
    const of = (value: Recipe['patches'][number]['value']) =>
      decodeAll(Object.assign(makeValues(base, [1], dtype), [bitsOf(value)]), dtype)[0];
    expect(['inf', '-inf', '-0'].map(name => of(name as 'inf'))).toEqual([Infinity, -Infinity, -0]);
    const nans = ['nan', 'nan-payload', 'nan-ones', '-nan'] as const;
    for (const name of nans) expect(isNaNBits(bitsOf(name), dtype)).toBe(true);
    expect(new Set(nans.map(bitsOf)).size).toBe(4);
    expect(bitsOf('nan-ones')).toBe(2 ** (8 * sizeOf(dtype) - 1) - 1);
    expect(of('max')).toBe(
      { f32: (2 - 2 ** -23) * 2 ** 127, f16: 65504, bf16: (2 - 2 ** -7) * 2 ** 127 }[dtype],
    );
    expect(of('subnormal')).toBeGreaterThan(0);
    expect(of('subnormal')).toBeLessThan(dtype === 'f16' ? 2 ** -14 : 2 ** -126);
  });

  test('no i32 is a NaN', () => {
    const patched = recipe('list', { patches: [{ start: 0, count: 1, step: 1, value: 'nan' }] });
    expect(() => makeValues(patched, [2], 'i32')).toThrow('an i32 tensor cannot hold nan');
  });

  test('may name any value that a type can hold', () => {
    const names = patchSchema.shape.value.options[1].options;
    for (const dtype of dtypes.filter(type => type !== 'i32')) {
      for (const value of names) {
        const [bits] = makeValues({ ...base, patches: [{ start: 0, count: 1, step: 1, value }] }, [1], dtype);
        expect(Number.isInteger(bits)).toBe(true);
      }
    }
  });
});

test('a recipe survives JSON', () => {
  for (const kind of kinds) {
    const full = recipe(kind, { rows: [1, 0], patches: [{ start: 1, count: 2, step: 3, value: '-nan' }] });
    expect(recipeSchema.parse(JSON.parse(JSON.stringify(full)))).toEqual(full);
  }
});
