/** Known values are golden vectors (golden/rope.json); here, laws that hold of every angle. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cosineAndSine } from './cosine.ts';

/** Of all sizes, on both sides of where reduction takes the long way. */
const angle = fc
  .tuple(fc.double({ min: 1, max: 2, noNaN: true }), fc.integer({ min: -60, max: 1023 }))
  .map(([significand, exponent]) => significand * 2 ** Math.min(exponent, 1022));
const near = fc.double({ min: 0, max: 2 ** 34, noNaN: true });

test('the point lies on the unit circle; the negative angle is its mirror image', () => {
  fc.assert(
    fc.property(fc.oneof(angle, near), x => {
      const { cosine, sine } = cosineAndSine(x);
      expect(Math.abs(cosine * cosine + sine * sine - 1)).toBeLessThan(2 ** -50);
      const mirrored = cosineAndSine(-x);
      expect([mirrored.cosine, mirrored.sine + 0]).toEqual([cosine, -sine + 0]);
    }),
  );
});

test('twice the angle is exact, and so is its law, near and far', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        angle.filter(x => x < 2 ** 1022),
        near,
      ),
      x => {
        const { cosine, sine } = cosineAndSine(x);
        const twice = cosineAndSine(2 * x);
        expect(Math.abs(twice.sine - 2 * sine * cosine)).toBeLessThan(2 ** -49);
        expect(Math.abs(twice.cosine - (cosine - sine) * (cosine + sine))).toBeLessThan(2 ** -49);
      },
    ),
  );
});

test('the short reduction and the long one agree where they meet', () => {
  const edge = 2 ** 32 * (Math.PI / 2);
  for (let step = -40; step < 40; step++) {
    const x = edge + step * 2 ** -19;
    const [here, there] = [cosineAndSine(x), cosineAndSine(x + 2 ** -19)];
    const turn = cosineAndSine(2 ** -19);
    expect(Math.abs(there.sine - (here.sine * turn.cosine + here.cosine * turn.sine))).toBeLessThan(2 ** -50);
  }
});

test('an angle of 0 has a cosine of 1 and a sine of 0, exactly', () => {
  expect(cosineAndSine(0)).toEqual({ cosine: 1, sine: 0 });
});
