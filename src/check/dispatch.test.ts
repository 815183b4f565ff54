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
    ['of the tier itself', { ...inTail, tier: 'avx2' }],
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

test('own kernels are of their tier, and there is code to see', () => {
  for (const { code } of load(native).kernels) {
    expect(code.instructions).toBeGreaterThan(1000);
    expect(code.foreign).toEqual([]);
  }
});
