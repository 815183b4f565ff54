/** Stages: each finds what it is for, in a kernel that is otherwise right, and nothing in one that is right. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Plant, planted, sightings } from './testing/planted.ts';

const folder = mkdtempSync(join(tmpdir(), 'tierwise-stage-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Less than any bound, and other bits. */
const slightly = 'r *= 1 + 3e-7;';

/** Rows dealt out to threads; `body` computes row i of `m` of them. */
const threaded = (body: string, join = 'pthread_join(t[k], NULL);') => ({
  outside: `#include <pthread.h>
    typedef struct { Matrix x, y, w; const tw_rms_norm_args *args; int64_t from, step; } Part;
    static double shared;
    static void *part(void *p) {
      Part *m = p;
      for (int64_t i = m->from; i < m->x.rows; i += m->step) { ${body} }
      return NULL;
    }`,
  instead: `
    int many = args->call.threads < 64 ? args->call.threads : 64;
    Part parts[64];
    pthread_t t[64];
    for (int k = 0; k < many; k++) {
      parts[k] = (Part){x, y, w, args, k, many};
      if (k > 0) pthread_create(&t[k], NULL, part, &parts[k]);
    }
    part(&parts[0]);
    for (int k = 1; k < many; k++) { ${join} }`,
});

const rowOf = (sum: string) => `
  double local;
  (void)local;
  ${sum} = 0;
  for (int64_t j = 0; j < m->x.n; j++) ${sum} += (double)*element(m->x, i, j) * *element(m->x, i, j);
  double r = 1 / sqrt(${sum} / (double)m->x.n + m->args->eps);
  for (int64_t j = 0; j < m->x.n; j++)
    *element(m->y, i, j) = (float)(*element(m->x, i, j) * r * (m->args->weight ? *element(m->w, 0, j) : 1));`;

/** By the property that must find it. */
const wrong: readonly (readonly [string, string, Plant])[] = [
  [
    'repeat',
    'the 700th call is another',
    { outside: 'static int calls;', row: `if (++calls % 700 == 0) ${slightly}` },
  ],
  [
    'repeat',
    'calls take turns',
    { outside: 'static int calls;', first: 'calls++;', row: `if (calls & 1) ${slightly}` },
  ],
  [
    'same memory',
    'caches a root by address and length',
    {
      outside: 'static const float *at; static int64_t length; static double kept;',
      row: 'if (i == 0) { if (at == x.at && length == x.n) r = kept; at = x.at; length = x.n; kept = r; }',
    },
  ],
  [
    'same memory',
    'takes an output that looks right for done',
    {
      first: `if (x.rows == 1 && x.n > 1 && x.at != y.at && isfinite(*element(y, 0, 0)) && *element(y, 0, 0) != 0 &&
        fabs(*element(y, 0, 0)) < 100) return TW_OK;`,
    },
  ],
  [
    'same memory',
    'believes a root in scratch that stands beside the address and length of its row',
    {
      scratch: '24',
      row: `struct { const float *at; int64_t length; double root; } *kept = args->call.scratch;
        if (i == 0) {
          if (kept->at == x.at && kept->length == x.n) r = kept->root;
          kept->at = x.at;
          kept->length = x.n;
          kept->root = r;
        }`,
    },
  ],
  [
    'after a near one',
    'keeps a root by where its row is and by its first element',
    {
      outside: 'static const float *at; static float first; static int64_t length; static double kept;',
      row: `if (i == 0) {
          if (at == x.at && first == *element(x, 0, 0) && length == x.n) r = kept;
          at = x.at;
          first = *element(x, 0, 0);
          length = x.n;
          kept = r;
        }`,
    },
  ],
  [
    'after others',
    'goes by the length of the call before',
    { outside: 'static int64_t last;', row: `if (last > x.n) ${slightly} if (i == x.rows - 1) last = x.n;` },
  ],
  [
    'after a near one',
    'keeps a root by the row that it is of, not by eps',
    {
      outside: 'static __thread double kept, of; static __thread int64_t length;',
      row: 'if (i == 0) { if (length == x.n && of == sum) r = kept; length = x.n; of = sum; kept = r; }',
    },
  ],
  ['other words', 'does not know byte_offset', { first: 'x.at = args->x->data;' }],
  [
    'other words',
    'reads strides that are not there',
    { first: 'if (x.rows > 1) x.row = args->x->strides[0];' },
  ],
  [
    'other words',
    'asks of one row that it lies behind no other',
    { first: 'if (x.rows == 1 && args->y->strides && args->y->strides[0] < x.n) return TW_INVALID;' },
  ],
  [
    'other words',
    'knows the structs of its day alone',
    { first: 'if (args->call.struct_size != sizeof *args) return TW_INVALID;' },
  ],
  [
    'leftovers',
    'takes scratch for zeroed',
    { scratch: '64', row: `if (*(float *)args->call.scratch == 0) ${slightly}` },
  ],
  [
    'leftovers',
    'goes by a register that nobody set',
    {
      first: 'float free; __asm__ volatile("movss %%xmm9, %0" : "=m"(free));',
      row: `if (free == 1) ${slightly}`,
    },
  ],
  [
    'leftovers',
    'reads before its scratch',
    { scratch: '100', first: 'char before = ((volatile char *)args->call.scratch)[-1]; (void)before;' },
  ],
  [
    'little stack',
    'keeps a megabyte on the stack',
    { first: 'volatile char much[1 << 20]; for (int i = 0; i < 1 << 20; i += 4096) much[i] = 1;' },
  ],
  [
    'little stack',
    'goes by what stood on the stack',
    {
      outside:
        'static int dirty(void) { volatile int old[64]; int sum = 0; for (int i = 0; i < 64; i++) sum |= old[i] == 0x3f800000; return sum; }',
      row: `if (dirty()) ${slightly}`,
    },
  ],
  ['restless', 'threads share a sum', threaded(rowOf('shared'))],
  [
    'restless',
    'the last thread is not waited for',
    threaded(rowOf('local'), 'if (k < many - 1) pthread_join(t[k], NULL); else pthread_detach(t[k]);'),
  ],
  [
    'beside another',
    'calls share a sum',
    {
      flags: ['-O1'],
      outside: 'static volatile double shared;',
      row: `shared = 0; for (int64_t j = 0; j < x.n; j++) shared += (double)*element(x, i, j) * *element(x, i, j);
        for (volatile int d = 0; d < 3000; d++);
        r = 1 / sqrt(shared / (double)x.n + args->eps);`,
    },
  ],
  [
    'new process',
    'the first call is another',
    { outside: 'static int calls;', row: `if (calls == 0) ${slightly} if (i == x.rows - 1) calls++;` },
  ],
];

describe.each(wrong)('%s', (property, what, plant) => {
  test(`finds that ${what}`, () => {
    const cases = ['restless', 'beside another', 'after a near one', 'other words'].includes(property)
      ? 1200
      : 400;
    const seen = sightings(planted(folder, `w${wrong.findIndex(row => row[1] === what)}`, plant), cases, [
      property,
    ]);
    const named = seen.filter(({ breach }) => breach.property === property);
    expect(named.length).toBeGreaterThan(0);
    for (const { breach } of named.slice(0, 5)) expect(breach.message).not.toBe('');
  });
});

describe('what every call is examined for', () => {
  test.each<[string, RegExp, Plant]>([
    ['r12 is not saved', /callee-saved register r12/, { first: '__asm__ volatile("mov $7, %r12");' }],
    ['an x87 register is left in use', /x87 registers in use/, { first: '__asm__ volatile("fld1");' }],
    [
      'the direction flag is left set',
      /direction flag set/,
      { row: 'if (i == x.rows - 1) __asm__ volatile("std");' },
    ],
    [
      'a signal is left blocked',
      /mask of blocked signals/,
      {
        outside: '#include <signal.h>',
        first: 'sigset_t s; sigemptyset(&s); sigaddset(&s, SIGUSR2); pthread_sigmask(SIG_BLOCK, &s, NULL);',
      },
    ],
    [
      'the folder is another',
      /working directory/,
      { outside: '#include <unistd.h>', first: 'if (chdir("/")) return TW_OK;' },
    ],
    [
      'the locale is another',
      /locale C\.UTF-8|locale/,
      { outside: '#include <locale.h>', first: 'setlocale(LC_ALL, "C.UTF-8");' },
    ],
  ])('%s', (what, says, plant) => {
    const seen = sightings(planted(folder, `e${what.replace(/\W/g, '')}`, plant), 24, []);
    expect(seen.find(({ breach }) => breach.property === 'memory')?.breach.message).toMatch(says);
  });
});

describe('no stage says anything of a kernel that is right', () => {
  test.each<[string, Plant]>([
    ['the example', {}],
    ['compiled for speed', { flags: ['-O3'] }],
    ['with threads of its own each call', threaded(rowOf('local'))],
    [
      'with 128 KiB on the stack',
      { first: 'volatile char some[1 << 17]; for (int i = 0; i < 1 << 17; i += 4096) some[i] = 1;' },
    ],
    [
      'with a cache that looks at what it keeps',
      {
        outside: 'static __thread float kept; static __thread double root;',
        row: 'if (x.n == 1) { if (kept == *element(x, i, 0)) (void)root; kept = *element(x, i, 0); root = r; }',
      },
    ],
  ])('%s', (what, plant) => {
    const path = planted(folder, `r${what.replace(/\W/g, '')}`, plant);
    expect(sightings(path, 600, null)).toEqual([]);
  });
});
