/** How numbers, times and names are written on the page. The same everywhere: no locale, no time zone. */

import type { Roof } from '../src/case/roof.ts';
import { ratioLimit } from '../src/run/document.ts';

/** Digits in groups of three: `214,016`. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** A number and its noun: `1 case`, `3 cases`. */
export function counted(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
}

/** Three significant digits, without an exponent. */
function three(x: number): string {
  return x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2);
}

/** A unit of time and its size in nanoseconds. */
const timeUnits = [
  ['s', 1e9],
  ['ms', 1e6],
  ['µs', 1e3],
  ['ns', 1],
] as const;

/** The unit in which `ns` is best read. */
export function timeUnit(ns: number): (typeof timeUnits)[number] {
  // 999.5 rounds to 1000 in three digits, so it belongs to the unit above.
  return timeUnits.find(([, size]) => ns >= 0.9995 * size) ?? timeUnits[3];
}

/** Nanoseconds in a given unit, without naming it. */
export function inUnit(ns: number, [, size]: readonly [string, number]): string {
  return three(ns / size);
}

/** Nanoseconds with three digits: `1.12 ms`. */
export function duration(ns: number): string {
  const unit = timeUnit(ns);
  return `${inUnit(ns, unit)} ${unit[0]}`;
}

/** A round number of nanoseconds on an axis: `10 µs`. */
export function tickTime(ns: number): string {
  const [unit, size] = timeUnit(ns);
  return `${Number((ns / size).toPrecision(3))} ${unit}`;
}

/** Seconds: `0.8 s`, `42 s`, `3 min 42 s`. */
export function longTime(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/**
 * Error over its bound in about two digits: `0.41`, `1.02`, `23`, `4.1k`.
 * What rounds to 1.00 says on which side of the bound it lies.
 */
export function share(x: number): string {
  if (x < 10) {
    const text = x.toFixed(2);
    if (text === '1.00' && x !== 1) return x > 1 ? '>1' : '<1';
    return text;
  }
  if (x < 1000) return x.toFixed(0);
  const steps = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const;
  if (x >= ratioLimit) return '∞';
  if (x >= 1e12) return x.toExponential(0).replace('e+', 'e');
  const [size, suffix] = steps.find(([s]) => x >= s) ?? steps[2];
  const scaled = x / size;
  return `${scaled < 9.95 ? scaled.toFixed(1) : scaled.toFixed(0)}${suffix}`;
}

/** A ratio of speeds: `0.52×`, `4.2×`, `138×`. */
export function times(x: number): string {
  return `${x < 0.995 ? x.toFixed(2) : x < 99.95 ? x.toFixed(1) : x.toFixed(0)}×`;
}

/** A part of 1 in per cent: `69 %`. */
export function percent(x: number): string {
  return `${x > 0 && x < 0.0995 ? (x * 100).toFixed(1) : (x * 100).toFixed(0)} %`;
}

/** What a call does in a second: `57.2 GB/s`, or `112 GFLOP/s` where it is arithmetic that counts. */
export function rate({ roof, rate }: { readonly roof: Roof; readonly rate: number }): string {
  return `${three(rate)} ${roof === 'multiply-add' ? 'GFLOP/s' : 'GB/s'}`;
}

/** Bytes in the largest binary unit that leaves a short number: `48 KiB`. */
export function bytes(n: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  let x = n;
  while (x >= 1024 && i < units.length - 1) {
    x /= 1024;
    i++;
  }
  return `${Number(x.toFixed(x < 10 ? 1 : 0))} ${units[i]}`;
}

/** Row lengths and the like, on an axis: multiples of 1024 as `4k`. */
export function tickCount(n: number): string {
  return n >= 1024 && n % 1024 === 0 ? `${n / 1024}k` : String(n);
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** An ISO date and time as `23 Nov 2026, 21:14 UTC`. */
export function dateTime(iso: string): string {
  const d = new Date(iso);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${d.getUTCDate()} ${months[d.getUTCMonth()]} ${d.getUTCFullYear()}, ${two(d.getUTCHours())}:${two(d.getUTCMinutes())} UTC`;
}

/** `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** A digest or build hash cut to its ends: `e41a…09c7`. */
export function shortHash(hash: string): string {
  return hash.length <= 14 ? hash : `${hash.slice(0, 4)}…${hash.slice(-4)}`;
}

/** Sizes as they are read: `512 x 4096` with a multiplication sign. */
export function sizes(text: string): string {
  return text.replace(/(\d) ?x ?(?=\d)/g, '$1 × ');
}
