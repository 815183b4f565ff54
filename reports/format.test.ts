import { describe, expect, it } from 'vitest';
import {
  bytes,
  count,
  counted,
  dateTime,
  duration,
  list,
  longTime,
  percent,
  share,
  shortHash,
  sizes,
  times,
} from './format.ts';

describe('how figures are written', () => {
  it.each([
    [count(214016), '214,016'],
    [count(999), '999'],
    [counted(1, 'case'), '1 case'],
    [duration(371.4), '371 ns'],
    [duration(999.7), '1.00 µs'],
    [duration(26_400), '26.4 µs'],
    [duration(1.12e6), '1.12 ms'],
    [duration(2.5e9), '2.50 s'],
    [longTime(222), '3 min 42 s'],
    [longTime(59.6), '1 min 00 s'],
    [longTime(0.84), '0.8 s'],
    [share(0.407), '0.41'],
    [share(1.02), '1.02'],
    [share(23.4), '23'],
    [share(4100), '4.1k'],
    [share(27_683), '28k'],
    [share(3.2e15), '3e15'],
    [times(0.52), '0.52×'],
    [times(40.2), '40.2×'],
    [times(138.4), '138×'],
    [percent(0.69), '69 %'],
    [percent(0.021), '2.1 %'],
    [bytes(48 * 1024), '48 KiB'],
    [bytes(1.5 * 2 ** 30), '1.5 GiB'],
    [dateTime('2026-11-23T21:04:09Z'), '23 Nov 2026, 21:04 UTC'],
    [list(['a', 'b', 'c']), 'a, b and c'],
    [shortHash('e41a0000000000009c07'), 'e41a…9c07'],
    [sizes('32 x 512 x 128'), '32 × 512 × 128'],
    [sizes('32/8 heads, x 4'), '32/8 heads, x 4'],
  ])('%s', (written, expected) => {
    expect(written).toBe(expected);
  });

  it('never rounds an error across its bound', () => {
    expect(share(1.000001)).toBe('>1');
    expect(share(0.9999)).toBe('<1');
    expect(share(1)).toBe('1.00');
  });
});
