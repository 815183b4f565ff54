/** Dispatch: code above its tier is found where it is, and code that chooses by the CPU is left alone. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { libraryAt, load, native } from '../providers/provider.ts';
import { type Plant, planted, sightings } from './testing/planted.ts';

const folder = mkdtempSync(join(tmpdir(), 'tierwise-dispatch-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A function that no CPU below AVX2 can run. */
const wide = `
  #include <immintrin.h>
  __attribute__((target("avx2"), noinline)) static double wide(const float *p) {
    return _mm256_cvtss_f32(_mm256_add_ps(_mm256_set1_ps(*p), _mm256_set1_ps(0)));
  }`;
const inTail = { outside: wide, row: 'if (x.n % 8 == 7) r += 0 * wide(element(x, i, 0));' };

test.each<[string, string, Plant]>([
  ['in the tail alone', 'AVX', inTail],
  [
    'in a thread',
    'AVX',
    {
      outside: `#include <pthread.h>\n${wide}\nstatic void *work(void *p) { wide(p); return NULL; }`,
      first:
        'float one = 1; pthread_t t; if (x.n == 7 && !pthread_create(&t, NULL, work, &one)) pthread_join(t, NULL);',
    },
  ],
  [
    'below AVX',
    'SSE4-1',
    {
      outside: `#include <smmintrin.h>
      __attribute__((target("sse4.1"), noinline)) static double whole(double a) {
        return _mm_cvtsd_f64(_mm_round_sd(_mm_setzero_pd(), _mm_set_sd(a), 0));
      }`,
      row: 'r += 0 * whole(r > 1e9 ? 0 : r);',
      tier: 'sse2',
    },
  ],
  [
    'of a later AVX-512',
    'AVX512-VNNI',
    {
      outside: `#include <immintrin.h>
      __attribute__((target("avx512vnni,avx512vl"), noinline)) static int dots(void) {
        __m128i a = _mm_set1_epi8(1);
        return _mm_cvtsi128_si32(_mm_dpbusd_epi32(a, a, a));
      }`,
      first: 'if (x.n == 1 << 30) return dots();',
      tier: 'avx512',
    },
  ],
])('an instruction above the tier is found: %s', (what, needs, plant) => {
  const provider = load(libraryAt(planted(folder, `a${what.replace(/\W/g, '')}`, plant)));
  const [{ code }] = provider.kernels;
  expect(code.foreign.map(foreign => foreign.needs)).toContain(needs);
  expect(code.looksAtCpu).toBe(false);
});

test('it is a finding, once a case, with the place', () => {
  const seen = sightings(planted(folder, 'finding', inTail), 40, ['dispatch']);
  expect(seen.length).toBeGreaterThan(0);
  expect(seen[0].breach.message).toMatch(/code of tier scalar has instructions above it.*AVX/);
});

describe('nothing is said', () => {
  test.each<[string, Plant]>([
    ['of the tier itself', { ...inTail, tier: 'avx2', available: 'return __builtin_cpu_supports("avx2");' }],
    ['of a tier that is not known', { ...inTail, tier: 'mine' }],
    [
      'of code that asks the CPU first',
      { outside: wide, row: 'if (__builtin_cpu_supports("avx2")) r += 0 * wide(element(x, i, 0));' },
    ],
    [
      'of code that goes by what it asked at the beginning',
      {
        outside: `${wide}
          static int has;
          __attribute__((constructor)) static void look(void) { has = __builtin_cpu_supports("avx2"); }`,
        row: 'if (has) r += 0 * wide(element(x, i, 0));',
      },
    ],
    [
      'of what follows a call that does not return',
      {
        outside: `#include <stdlib.h>
          __attribute__((noinline, noreturn)) static void stop(void) { abort(); }\n${wide}
          double (*elsewhere)(const float *) = wide;`,
        row: 'if (x.n < 0) stop();',
      },
    ],
    [
      'of a count of trailing zeros as compilers write it',
      { first: 'volatile int bits = 8; if (__builtin_ctz(bits) != 3) return TW_INVALID;', flags: ['-O2'] },
    ],
  ])('%s', (what, plant) => {
    expect(sightings(planted(folder, `n${what.replace(/\W/g, '')}`, plant), 40, ['dispatch'])).toEqual([]);
  });
});

/** AVX2's fused multiply-add in the tail. */
const fused: Plant = {
  outside: `
    #include <cpuid.h>
    #include <immintrin.h>
    __attribute__((target("avx2,fma"), noinline)) static double wide(const float *p) {
      __m256 a = _mm256_set1_ps(*p);
      return _mm256_cvtss_f32(_mm256_permutevar8x32_ps(_mm256_fmadd_ps(a, a, a), _mm256_setzero_si256()));
    }
    static unsigned leaf1(void) { unsigned a, b, c, d; __cpuid(1, a, b, c, d); return c; }
    static unsigned leaf7(void) { unsigned a, b, c, d; __cpuid_count(7, 0, a, b, c, d); return b; }
    static unsigned saved(void) { unsigned a, d; __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0)); return a; }`,
  row: 'if (x.n % 8 == 7) r += 0 * wide(element(x, i, 0));',
  tier: 'avx2',
};
const bits = '(leaf1() >> 12 & 1) && (leaf1() >> 28 & 1) && (leaf7() >> 5 & 1)';
const before = (code: string) => `${fused.outside}\n${code}`;

test.each<[string, RegExp, Plant]>([
  ['always yes', /without asking the CPU.*XSAVE.*\(AVX\) at/, { ...fused, available: 'return 1;' }],
  ['CPUID alone', /has not enabled XSAVE, and on 1 more/, { ...fused, available: `return ${bits};` }],
  [
    'OSXSAVE without a look at XCR0',
    /does not save YMM registers:/,
    { ...fused, available: `return ${bits} && (leaf1() >> 27 & 1);` },
  ],
  [
    'XGETBV without a look at OSXSAVE',
    /executes XGETBV on this CPU where the system has not enabled XSAVE:/,
    { ...fused, available: `return ${bits} && (saved() & 6) == 6;` },
  ],
  [
    'AVX taken for FMA',
    /without AVX2.*vfmadd\w+ \(FMA\)|without AVX2.*AVX2\)/,
    { ...fused, available: 'return __builtin_cpu_supports("avx");' },
  ],
  [
    'AVX taken for FMA when the library is loaded',
    /a CPU without AVX2/,
    {
      ...fused,
      outside: before(
        'static int has; __attribute__((constructor)) static void look(void) { has = __builtin_cpu_supports("avx"); }',
      ),
      available: 'return has;',
    },
  ],
])('available() is asked on CPUs that lack what the code needs: %s', (what, says, plant) => {
  const [seen] = sightings(planted(folder, `o${what.replace(/\W/g, '')}`, plant), 40, ['dispatch']);
  expect(seen?.breach.message).toMatch(says);
});

test.each<[string, Plant]>([
  [
    'all bits and XCR0',
    { ...fused, available: `return ${bits} && (leaf1() >> 27 & 1) && (saved() & 6) == 6;` },
  ],
  [
    'by the compiler',
    { ...fused, available: 'return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");' },
  ],
  [
    'once, when the library is loaded',
    {
      ...fused,
      outside: before(
        'static int has; __attribute__((constructor)) static void look(void) { has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }',
      ),
      available: 'return has;',
    },
  ],
  [
    'somebody else, who is not faked',
    {
      ...fused,
      outside: before('#include <stdio.h>\n#include <string.h>'),
      available:
        'char line[8192]; FILE *f = fopen("/proc/cpuinfo", "r"); int has = 0; while (f && fgets(line, sizeof line, f)) has |= strstr(line, " fma ") != NULL; if (f) fclose(f); return has;',
    },
  ],
  [
    'AVX2 alone for FMA, as every CPU that is sold has it,',
    { ...fused, available: 'return __builtin_cpu_supports("avx2");' },
  ],
  ['nobody, in a tier that all can run', { available: 'return 1;' }],
])('available() that asks %s is right', (what, plant) => {
  const provider = load(libraryAt(planted(folder, `r${what.replace(/\W/g, '')}`, plant)));
  expect(provider.kernels[0]).toMatchObject({ available: true, overclaims: [] });
});

test('own kernels are of their tier, and there is code to see', () => {
  for (const { code, overclaims } of load(native).kernels) {
    expect(code.instructions).toBeGreaterThan(1000);
    expect(code.foreign).toEqual([]);
    expect(overclaims).toEqual([]);
  }
});
