/** Damaged and hostile files, made of whole ones from a seed: the same ones every time. */

import { hash } from '../case/random.ts';
import { changed } from './changed.ts';

/** One damaged file. */
export interface Damaged {
  /** What was done to it: `cells.0.cases becomes -1`. */
  readonly what: string;
  readonly content: Buffer;
}

/** What may stand where something else should, for whoever reads it carelessly. */
const strangers: readonly unknown[] = [
  undefined,
  null,
  -1,
  0.5,
  1e308,
  -(2 ** 53),
  2 ** 53,
  4294967296,
  '',
  'x'.repeat(70_000),
  '\u0000\u001b[31m',
  'two\nlines',
  '__proto__',
  'constructor',
  true,
  [],
  [[]],
  {},
  { toString: 1 },
  nested(200),
  Array.from({ length: 2000 }, () => null),
];

function nested(depth: number): unknown {
  let value: unknown = 'deep';
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** Ways to hurt a file that is not looked at as a value. */
const injuries: readonly ((bytes: Buffer, at: number) => [string, Buffer])[] = [
  (bytes, at) => [`cut at byte ${at}`, bytes.subarray(0, at)],
  (bytes, at) => [`bit 7 of byte ${at} turned`, replaced(bytes, at, bytes[at] ^ 0x80)],
  (bytes, at) => [`a NUL at byte ${at}`, replaced(bytes, at, 0)],
  (bytes, at) => [`a quote at byte ${at}`, replaced(bytes, at, 0x22)],
  (bytes, at) => [`a brace at byte ${at}`, replaced(bytes, at, 0x7d)],
  (bytes, at) => [`twice from byte ${at} on`, Buffer.concat([bytes, bytes.subarray(at)])],
];

function replaced(bytes: Buffer, at: number, byte: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = byte;
  return copy;
}

/** Places in a value, as `changed` takes them. */
function placesIn(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => [
    `${prefix}${key}`,
    ...placesIn(part, `${prefix}${key}.`),
  ]);
}

/** A document damaged in `count` ways: three of four as a value, the others as bytes. */
export function damaged(whole: unknown, count: number, seed: number): Damaged[] {
  const places = placesIn(whole).filter(place => !place.split('.').some(key => key === ''));
  const text = Buffer.from(JSON.stringify(whole));
  return Array.from({ length: count }, (_, i) => {
    const [where, how] = [hash(seed, 2 * i), hash(seed, 2 * i + 1)];
    if (i % 4 === 3) {
      const [what, content] = injuries[how % injuries.length](text, 1 + (where % (text.length - 1)));
      return { what, content };
    }
    const place = places[where % places.length];
    const stranger = strangers[how % strangers.length];
    const content = Buffer.from(JSON.stringify(changed(whole, { [place]: stranger })));
    const shown = JSON.stringify(stranger)?.slice(0, 40) ?? 'missing';
    return { what: `${place} becomes ${shown}`, content };
  });
}
