import { expect, test } from 'vitest';
import { hash } from '../../src/case/random.ts';
import { exp, expm1 } from './exp.ts';
import { tanh } from './tanh.ts';

/** A number of either sign, its exponent uniform in [-40, `top`). */
function spread(i: number, top: number): number {
  const exponent = (hash(5, i) / 2 ** 32) * (top + 40) - 40;
  return (hash(6, i) & 1 ? -1 : 1) * 2 ** exponent;
}

function worst(mine: (x: number) => number, engine: (x: number) => number, top: number): number {
  let most = 0;
  for (let i = 0; i < 100_000; i++) {
    const x = spread(i, top);
    most = Math.max(most, Math.abs(mine(x) / engine(x) - 1));
  }
  return most;
}

// The engine's own are within an ulp, 2.2e-16, here; elsewhere they may not be.
test('exp, expm1 and tanh agree with the engine to 1e-15, from 2^-40 to the ends of their ranges', () => {
  expect(worst(exp, Math.exp, 9.4)).toBeLessThan(1e-15);
  expect(worst(expm1, Math.expm1, 9.4)).toBeLessThan(1e-15);
  expect(worst(tanh, Math.tanh, 6)).toBeLessThan(1e-15);
});

// Decimals by mpmath 1.3.0.
test.each([
  [exp, 2.5, 12.182493960703473],
  [exp, -0.34375, 0.7091061824373984],
  [exp, -87.5, 9.982350930569248e-39],
  [exp, -708, 3.307553003638408e-308],
  [exp, 709, 8.218407461554972e307],
  [expm1, 1e-10, 1.00000000005e-10],
  [expm1, 0.75, 1.1170000166126748],
  [tanh, 0.5, 0.46211715726000979],
  [tanh, 3, 0.99505475368673046],
])('%o at %d', (of, x, wanted) => {
  expect(Math.abs(of(x) / wanted - 1)).toBeLessThan(5e-16);
});

test('what is out of range, and what is not a number', () => {
  expect([exp(0), exp(-709), exp(-Infinity), exp(710), exp(Infinity)]).toEqual([1, 0, 0, Infinity, Infinity]);
  expect([expm1(0), expm1(-1000), expm1(1000)]).toEqual([0, -1, Infinity]);
  expect([tanh(0), tanh(25), tanh(-Infinity)]).toEqual([0, 1, -1]);
  for (const of of [exp, expm1, tanh]) expect(of(Number.NaN)).toBeNaN();
});
