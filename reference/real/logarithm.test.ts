/** Against values of mpmath 1.3.0 at 400 bits, each as the two float64 that it is nearest to the sum of. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DoubleDouble, exact, minus, plus, times } from './double-double.ts';
import { exp, ln } from './logarithm.ts';

const off = (seen: DoubleDouble, wanted: DoubleDouble) => Math.abs(minus(seen, wanted).hi);

test.each([
  [3, 1.0986122886681098, -9.07129723500153e-17],
  [7, 1.9459101490553132, 7.323586207904907e-17],
  [500000.0, 13.122363377404328, 5.617349396949535e-16],
  [0.7, -0.35667494393873245, 4.82556379937662e-18],
  [1e30, 69.07755278982137, 2.38940015169316e-15],
  [1.5, 0.4054651081081644, -2.8811380259626426e-18],
  [1.0000152587890625, 1.5258672648362398e-5, -5.645231974839578e-22],
])('ln %d', (x, hi, lo) => {
  expect(off(ln(exact(x)), { hi, lo })).toBeLessThan(2 ** -98 * Math.max(Math.abs(hi), 2 ** -4));
});

test.each([
  [-1.0, 0.36787944117144233, -1.2428753672788363e-17],
  [-0.1, 0.9048374180359595, 5.055984668733208e-17],
  [-13.5, 1.3709590863840845e-6, -8.706772219128016e-23],
  [-600.25, 2.0641309109295095e-261, -2.1403995749322006e-280],
  [0.3, 1.3498588075760032, -9.447314673432387e-17],
  [-1e-9, 0.999999999, -2.778193152587354e-17],
  [0.0, 1.0, 0.0],
])('exp %d', (y, hi, lo) => {
  expect(off(exp(exact(y)), { hi, lo })).toBeLessThan(2 ** -95 * hi);
});

test('one undoes the other, and products are sums', () => {
  const size = fc.double({ min: 2 ** -40, max: 2 ** 40, noNaN: true });
  fc.assert(
    fc.property(size, size, (a, b) => {
      const [x, y] = [exact(a), exact(b)];
      expect(off(exp(ln(x)), x)).toBeLessThan(2 ** -91 * a);
      expect(off(ln(times(x, y)), plus(ln(x), ln(y)))).toBeLessThan(2 ** -90);
    }),
  );
});
