/** Libraries that lie about their table: each is refused by a UsageError that names the library and the place. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hash } from '../case/random.ts';
import { UsageError } from '../usage-error.ts';
import { kernelId, libraryAt, load, native, promises } from './provider.ts';
import { compile, goodHead, table } from './testing/c-library.ts';

const folder = mkdtempSync(join(tmpdir(), 'tierwise-library-'));
afterAll(() => rmSync(folder, { recursive: true }));

let built = 0;
const loaded = (source: string) => load(libraryAt(compile(folder, `l${built++}`, source)));

test('a table is read as it stands', () => {
  const rows = `K("rms_norm", "a", "scalar"), K("conv", "b", "amx"),
    { "gqa", "c", "mine", yes, NULL, run, 9, TW_PROMISE_BATCH | 1u << 31 }`;
  const library = loaded(table('TIERWISE_ABI, 3, "mine", "1.0", rows', rows));
  expect(library).toMatchObject({ name: 'mine', version: '1.0', foreign: ['conv/b/amx'] });
  expect(library.build).toMatch(/^[0-9a-f]{16}$/);
  expect(library.kernels.map(kernelId)).toEqual(['mine/rms_norm/a/scalar', 'mine/gqa/c/mine']);
  const [a, c] = library.kernels;
  expect([a.index, c.index, c.numerics]).toEqual([0, 2, 9]);
  expect([promises(c, 'batch'), promises(c, 'threads'), promises(a, 'batch')]).toEqual([true, false, false]);
});

test('the native table names every kernel once, with its build', () => {
  const { kernels, name, build, version } = load(native);
  expect(new Set(kernels.map(kernelId)).size).toBe(kernels.length);
  expect([name, kernels.some(kernel => kernel.tier === 'scalar' && kernel.available)]).toEqual([
    'native',
    true,
  ]);
  expect(version.endsWith(`+${build}`)).toBe(true);
});

describe('a library', () => {
  test.each<[string, string, RegExp]>([
    ['without the symbol', 'int unrelated;', /exports no tierwise_library\(\)/],
    ['without a table', 'const tw_library *tierwise_library(void) { return NULL; }', /returned NULL/],
    [
      'of a later version',
      table('2, 1, "mine", "1.0", rows'),
      /speaks version 2 of the kernel interface, not 1/,
    ],
    ['of no version', table('0, 1, "mine", "1.0", rows'), /speaks version 0/],
    ['without rows', table('1, 0, "mine", "1.0", rows'), /kernel_count is 0; it takes 1 to 4096 rows/],
    ['of too many rows', table('1, 4000000000u, "mine", "1.0", rows'), /kernel_count is 4000000000; /],
    [
      'of fewer rows than it says',
      table('1, 4096, "mine", "1.0", rows'),
      /row \d+ of|ended while being loaded/,
    ],
    ['with NULL for rows', table('1, 1, "mine", "1.0", NULL'), /kernel_count is 1 and kernels is NULL/],
    ['with NULL for a name', table('1, 1, NULL, "1.0", rows'), /the kernel table: name is NULL/],
    ['with NULL for a version', table('1, 1, "mine", NULL, rows'), /the kernel table: version is NULL/],
    ['of an empty name', table('1, 1, "", "1.0", rows'), /the kernel table: name is empty/],
    ['of a name in two lines', table('1, 1, "mi\\nne", "1.0", rows'), /name .*control characters/],
    ['of a name that is no text', table('1, 1, "\\xff\\xfe", "1.0", rows'), /name is not UTF-8 text/],
    [
      'of a name that points nowhere',
      table('1, 1, (char *)8, "1.0", rows'),
      /ended while being loaded: SIGSEGV/,
    ],
    ['with a row of NULL', table(goodHead, '{ 0 }'), /row 0 of the kernel table: op is NULL/],
    ['with a row without tier', table(goodHead, 'K("rms_norm", "a", NULL)'), /row 0 .*tier is NULL/],
    [
      'with a colourful tier',
      table(goodHead, 'K("rms_norm", "a", "\\033[31mred")'),
      /row 0 .*tier .*control/,
    ],
    [
      'with a slash in a name',
      table(goodHead, 'K("rms_norm", "a/b", "scalar")'),
      /row 0 .*a slash in .*"a\/b"/,
    ],
    [
      'with a row twice',
      table('1, 2, "mine", "1.0", rows', 'K("rms_norm", "a", "scalar"), K("rms_norm", "a", "scalar")'),
      /row 1 of the kernel table: rms_norm\/a\/scalar stands there twice/,
    ],
    [
      'with a row that can not run',
      table(goodHead, '{ "rms_norm", "a", "scalar", yes, NULL, NULL, 0, 0 }'),
      /row 0 .*rms_norm\/a\/scalar has no run/,
    ],
    [
      'with a row that does not say where it runs',
      table(goodHead, '{ "rms_norm", "a", "scalar", NULL, NULL, run, 0, 0 }'),
      /row 0 .*rms_norm\/a\/scalar has no run or no available/,
    ],
    [
      'that leaves while being loaded',
      `#include <stdlib.h>\n${table(goodHead)}
       __attribute__((constructor)) static void leave(void) { exit(3); }`,
      /ended while being loaded: exit code 3/,
    ],
  ])('%s is refused', (_, source, says) => {
    expect(() => loaded(source)).toThrow(UsageError);
    expect(() => loaded(source)).toThrow(new RegExp(`^${folder}/libl\\d+\\.so: .*${says.source}`));
  });

  test('that is a text, cut short, a folder or not there is refused', () => {
    const text = join(folder, 'libtext.so');
    writeFileSync(text, 'int main(void) { return 0; }\n'.repeat(100));
    expect(() => load(libraryAt(text))).toThrow(/libtext\.so: cannot load the library: .*invalid ELF header/);
    const short = join(folder, 'libshort.so');
    writeFileSync(short, readFileSync(compile(folder, 'whole', table(goodHead))).subarray(0, 300));
    expect(() => load(libraryAt(short))).toThrow(/libshort\.so: (cannot load the library|ended while)/);
    expect(() => load(libraryAt(folder))).toThrow(/: cannot load the library: .*directory/i);
    expect(() => libraryAt(join(folder, 'none.so'))).toThrow(/^no library at .*none\.so$/);
  });
});

/** Values for a pointer to text that no library should have, as C has them. */
const lies = [
  'NULL',
  '""',
  '(char *)8',
  '(char *)-1',
  '(char *)0x7fffffffe000',
  '"\\xff\\xfe"',
  '"\\x1b[31m"',
  '"a\\nb"',
  '"a/b"',
  `"${'x'.repeat(300)}"`,
  'endless',
];
/** A whole page of text without an end, with nothing behind it that could be read. */
const endless = `
  #include <string.h>
  #include <sys/mman.h>
  static char *endless;
  static char *paged(void) {
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + 4096, 4096);
    return memset(page, 'x', 4096);
  }`;
const counts = ['0', '2', '17', '4096', '4097', '0x7fffffff', '0xffffffff'];
const rowsAt = [
  'NULL',
  '(tw_kernel *)8',
  '(tw_kernel *)-64',
  '(tw_kernel *)(void *)&table',
  '(tw_kernel *)((char *)rows + 1)',
];
const functions = ['NULL', '(void *)8', '(void *)-1', '(void *)rows', '(void *)abort'];

/** A table as it should be, in C, and what may stand in each of its places instead. */
const places = {
  op: ['"rms_norm"', lies],
  kernel: ['"a"', lies],
  tier: ['"scalar"', lies],
  available: ['yes', functions],
  abi: ['1', ['0', '2', '0xffffffff']],
  count: ['1', counts],
  name: ['"mine"', lies],
  version: ['"1"', lies],
  rows: ['rows', rowsAt],
} as const satisfies Record<string, readonly [string, readonly string[]]>;
type Place = keyof typeof places;

/** A table with one lie in it, or two. */
function lyingTable(i: number): { what: string; source: string } {
  const pick = <T>(values: readonly T[], k: number) => values[hash(i, k) % values.length];
  const names = Object.keys(places) as Place[];
  const liedAbout = new Set([pick(names, 1), ...(hash(i, 2) % 3 === 0 ? [pick(names, 3)] : [])]);
  const said = Object.fromEntries(
    names.map((place, k) => [place, liedAbout.has(place) ? pick(places[place][1], 4 + k) : places[place][0]]),
  ) as Record<Place, string>;
  return {
    what: [...liedAbout].map(place => `${place} is ${said[place]}`).join(', '),
    source: `
      #include <stdlib.h>
      ${endless}
      static tw_library table;
      static int yes(void) { return 1; }
      static tw_status run(const void *args) { (void)args; return TW_UNSUPPORTED; }
      static tw_kernel rows[2];
      const tw_library *tierwise_library(void) {
        endless = paged();
        rows[0] = (tw_kernel){ ${said.op}, ${said.kernel}, ${said.tier}, ${said.available}, NULL, run, 0, 0 };
        table = (tw_library){ ${said.abi}, ${said.count}, ${said.name}, ${said.version}, ${said.rows} };
        return &table;
      }`,
  };
}

/** Loads what may be anything: a provider, or one line that names the library. */
function loadedOrRefused(path: string): string | null {
  try {
    load(libraryAt(path));
    return null;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    expect(error.message.startsWith(`${path}: `)).toBe(true);
    expect(error.message.length).toBeLessThan(path.length + 2500);
    return error.message;
  }
}

test('60 tables that lie are refused, or taken where they can be; the engine goes on', () => {
  const ends = Array.from({ length: 60 }, (_, i) => {
    const { what, source } = lyingTable(i);
    return { what, says: loadedOrRefused(compile(folder, `lie${i}`, source)) };
  });
  const taken = ends.filter(({ says }) => says === null).map(({ what }) => what);
  // A name that a person may give to a library, or so many rows as there are.
  for (const what of taken) expect(what).toMatch(/^(name|version) is "a\/b"$/);
  expect(load(native).kernels.length).toBeGreaterThan(0);
}, 120_000);

test('60 libraries that are damaged as files are refused, or are one still', () => {
  const whole = readFileSync(compile(folder, 'undamaged', table(goodHead)));
  const says = Array.from({ length: 60 }, (_, i) => {
    const path = join(folder, `damaged${i}.so`);
    // Its headers stand at both ends.
    const near = hash(i, 1) % (i % 2 === 0 ? 1024 : whole.length);
    const bytes = Buffer.from(i % 3 === 0 ? whole.subarray(0, near) : whole);
    if (i % 3 > 0)
      for (let k = 0; k < 4; k++) bytes[(near + 8 * k) % bytes.length] ^= 1 << (hash(i, 2 + k) % 8);
    writeFileSync(path, bytes);
    return loadedOrRefused(path);
  });
  expect(says.filter(line => line !== null).length).toBeGreaterThan(20);
  expect(load(native).kernels.length).toBeGreaterThan(0);
}, 120_000);
