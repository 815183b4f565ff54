import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bitsOf,
  decode,
  decodeAll,
  dtypes,
  encode,
  encodeAll,
  exponentOf,
  type FloatDtype,
  firstDifference,
  floatDtypes,
  formats,
  isNaNBits,
  powerOfTwo,
  round,
  sizeOf,
  ulpOf,
} from './dtype.ts';

/** Width of the exponent field and of the fraction: IEEE 754-2019 table 3.5; bfloat16 as Intel defines it. */
const fields = {
  f32: { exponent: 8, fraction: 23 },
  f16: { exponent: 5, fraction: 10 },
  bf16: { exponent: 8, fraction: 7 },
} as const satisfies Record<FloatDtype, { exponent: number; fraction: number }>;

const view = new DataView(new ArrayBuffer(8));

/** A finite float64 as mantissa * 2^exponent, in integers. */
function parts(value: number): { negative: boolean; mantissa: bigint; exponent: number } {
  view.setFloat64(0, value);
  const word = view.getBigUint64(0);
  const field = Number((word >> 52n) & 0x7ffn);
  const fraction = word & 0xfffffffffffffn;
  return {
    negative: word >> 63n === 1n,
    mantissa: field === 0 ? fraction : fraction | (1n << 52n),
    exponent: Math.max(field, 1) - 1075,
  };
}

/** The bits nearest to a finite float64, ties to even, in integers alone. */
function nearest(value: number, dtype: FloatDtype): number {
  const { exponent: exponentBits, fraction: fractionBits } = fields[dtype];
  const lowest = 2 - 2 ** (exponentBits - 1) - fractionBits;
  const { negative, mantissa, exponent } = parts(value);
  const top = mantissa.toString(2).length - 1 + exponent;
  const quantum = Math.max(top - fractionBits, lowest);
  let count: bigint;
  if (exponent >= quantum) count = mantissa << BigInt(exponent - quantum);
  else {
    const shift = BigInt(quantum - exponent);
    const rest = mantissa & ((1n << shift) - 1n);
    const half = 1n << (shift - 1n);
    count = mantissa >> shift;
    if (rest > half || (rest === half && count & 1n)) count++;
  }
  const infinity = ((1n << BigInt(exponentBits)) - 1n) << BigInt(fractionBits);
  let bits = (BigInt(quantum - lowest) << BigInt(fractionBits)) + count;
  if (bits > infinity) bits = infinity;
  return Number(bits + (negative ? 1n << BigInt(exponentBits + fractionBits) : 0n));
}

/** The value of bits, from the fields' definition. */
function meaning(bits: number, dtype: FloatDtype): number {
  const { exponent: exponentBits, fraction: fractionBits } = fields[dtype];
  const sign = Math.floor(bits / 2 ** (exponentBits + fractionBits)) ? -1 : 1;
  const field = Math.floor(bits / 2 ** fractionBits) % 2 ** exponentBits;
  const fraction = bits % 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (field === 2 ** exponentBits - 1) return fraction ? Number.NaN : sign * Infinity;
  return field === 0
    ? sign * fraction * 2 ** (1 - bias - fractionBits)
    : sign * (2 ** fractionBits + fraction) * 2 ** (field - bias - fractionBits);
}

/** The float64 next to a positive one. */
function neighbour(value: number, by: 1 | -1): number {
  view.setFloat64(0, value);
  view.setBigUint64(0, view.getBigUint64(0) + BigInt(by));
  return view.getFloat64(0);
}

/** Any finite float64, by its bits: every magnitude is as likely. */
const anyDouble = fc
  .bigInt({ min: 0n, max: (1n << 64n) - 1n })
  .map(word => {
    view.setBigUint64(0, word);
    return view.getFloat64(0);
  })
  .filter(Number.isFinite);

/** Near values, and near the ties between neighbours, of a type. */
function nearTies(dtype: FloatDtype): fc.Arbitrary<number> {
  return fc
    .record({
      bits: fc.integer({ min: 0, max: formats[dtype].infinity - 1 }),
      place: fc.constantFrom(0, 0.5, 1),
      off: fc.integer({ min: -2, max: 2 }),
      scale: fc.constantFrom(0, 1e-17, 1e-9, 1e-5),
      negative: fc.boolean(),
    })
    .map(({ bits, place, off, scale, negative }) => {
      const [low, high] = [
        meaning(bits, dtype),
        bits + 1 === formats[dtype].infinity ? 0 : meaning(bits + 1, dtype),
      ];
      const value = (low + place * (high - low)) * (1 + off * scale);
      return negative ? -value : value;
    });
}

describe.each(floatDtypes)('%s', dtype => {
  const format = formats[dtype];

  test('encode is the nearest of all bits, ties to even', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyDouble, nearTies(dtype), fc.double({ noNaN: true, noDefaultInfinity: true })),
        value => {
          expect(encode(value, dtype)).toBe(nearest(value, dtype));
        },
      ),
      { numRuns: 20_000 },
    );
  });

  test('round is what encode stores', () => {
    fc.assert(
      fc.property(fc.oneof(anyDouble, nearTies(dtype)), value => {
        expect(round(value, dtype)).toBe(meaning(nearest(value, dtype), dtype));
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([1e39, 2 ** 200, 2 ** 981, 2 ** 1000, Number.MAX_VALUE])('%g rounds to infinity', value => {
    expect([round(value, dtype), round(-value, dtype)]).toEqual([Infinity, -Infinity]);
    expect([encode(value, dtype), encode(-value, dtype)]).toEqual([
      format.infinity,
      (format.infinity | format.signBit) >>> 0,
    ]);
  });

  test('overflow begins half a step above the largest finite value', () => {
    const edge = format.maxFinite + ulpOf(format.maxFinite, format) / 2;
    expect(round(edge, dtype)).toBe(Infinity);
    expect(round(neighbour(edge, -1), dtype)).toBe(format.maxFinite);
    expect(encode(format.maxFinite, dtype)).toBe(format.infinity - 1);
  });

  test('underflow keeps the sign and begins at half of the smallest subnormal', () => {
    expect(round(format.tiny / 2, dtype)).toBe(0);
    expect(round(-format.tiny / 2, dtype)).toBe(-0);
    expect(round(neighbour(format.tiny / 2, 1), dtype)).toBe(format.tiny);
    expect(encode(-format.tiny / 4, dtype)).toBe(format.signBit);
    expect(round(-0, dtype)).toBe(-0);
    expect(round(Number.MIN_VALUE, dtype)).toBe(0);
  });

  test('what is no number stays none, infinities stay', () => {
    expect(round(Number.NaN, dtype)).toBeNaN();
    expect(isNaNBits(encode(Number.NaN, dtype), dtype)).toBe(true);
    expect(encode(Infinity, dtype)).toBe(format.infinity);
    expect(encode(-Infinity, dtype)).toBe((format.infinity | format.signBit) >>> 0);
  });

  test('the format agrees with the widths of its fields', () => {
    expect(meaning(format.infinity - 1, dtype)).toBe(format.maxFinite);
    expect(meaning(1, dtype)).toBe(format.tiny);
    expect(meaning(format.infinity, dtype)).toBe(Infinity);
    expect(meaning(format.nan, dtype)).toBeNaN();
    expect(meaning(format.signBit, dtype)).toBe(-0);
    expect(exponentOf(meaning(1 << fields[dtype].fraction, dtype))).toBe(format.minExponent);
    expect(ulpOf(1, format)).toBe(meaning(encode(1, dtype) + 1, dtype) - 1);
    expect(ulpOf(0, format)).toBe(format.tiny);
  });

  test('every NaN is one value, and the two zeros are two', () => {
    const [nan, other] = [format.nan, (format.nan | format.signBit | 1) >>> 0];
    const bits = (...words: number[]) => Object.assign(bitsOf(dtype, words.length), words);
    expect(firstDifference(bits(1, nan), bits(1, other), dtype)).toBe(-1);
    expect(firstDifference(bits(nan), bits(format.infinity), dtype)).toBe(0);
    expect(firstDifference(bits(1, 0), bits(1, format.signBit), dtype)).toBe(1);
  });

  test('many are encoded and decoded as one is', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(nearTies(dtype), anyDouble)), values => {
        const bits = encodeAll(Float64Array.from(values), dtype);
        expect([...bits]).toEqual(values.map(value => encode(value, dtype)));
        expect([...decodeAll(bits, dtype)]).toEqual([...bits].map(word => decode(word, dtype)));
      }),
    );
  });
});

describe.each(['f16', 'bf16'] as const)('all 65,536 bits of %s', dtype => {
  const { nan, infinity, signBit } = formats[dtype];

  test('decode to their meaning and encode back to themselves; NaNs to a NaN', () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 65536; bits++) {
      const value = decode(bits, dtype);
      const noNumber = (bits & (signBit - 1)) > infinity;
      if (!Object.is(value, meaning(bits, dtype)) || isNaNBits(bits, dtype) !== noNumber) wrong.push(bits);
      const back = encode(value, dtype);
      if (noNumber ? !isNaNBits(back, dtype) : back !== bits) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
    expect(isNaNBits(nan, dtype)).toBe(true);
  });

  test('halfway between neighbours goes to the even one, a hair beside it to the nearer', () => {
    const wrong: number[] = [];
    for (let low = 0; low < infinity - 1; low++) {
      const middle = (decode(low, dtype) + decode(low + 1, dtype)) / 2;
      const even = low % 2 === 0 ? low : low + 1;
      const seen = [middle, -middle, neighbour(middle, -1), neighbour(middle, 1)].map(v => encode(v, dtype));
      const wanted = [even, even | signBit, low, low + 1];
      if (seen.some((bits, i) => bits !== wanted[i])) wrong.push(low);
    }
    expect(wrong).toEqual([]);
  });
});

describe('i32', () => {
  test('keeps all 32 bits, with their sign', () => {
    for (const value of [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]) {
      expect(decode(encode(value, 'i32'), 'i32')).toBe(value);
      expect([...decodeAll(encodeAll(Float64Array.of(value), 'i32'), 'i32')]).toEqual([value]);
    }
  });
});

test('powers of two are exact over all normal exponents', () => {
  for (let [exponent, up, down] = [0, 1, 1]; exponent <= 1022; exponent++, up *= 2, down /= 2) {
    expect(powerOfTwo(exponent)).toBe(up);
    expect(powerOfTwo(-exponent)).toBe(down);
    expect([exponentOf(up), exponentOf(-up), exponentOf(down)]).toEqual([exponent, exponent, -exponent + 0]);
  }
  expect(powerOfTwo(1023)).toBe(2 ** 1023);
});

test('elements have the size of their words', () => {
  expect(dtypes.map(dtype => [dtype, sizeOf(dtype), bitsOf(dtype, 3).byteLength])).toEqual([
    ['f32', 4, 12],
    ['f16', 2, 6],
    ['bf16', 2, 6],
    ['i32', 4, 12],
  ]);
});
