/** Who overclaims on which CPU, told from answers; that they are a library's own is tested in check/dispatch.test.ts. */

import { expect, test } from 'vitest';
import { overclaims } from './faked.ts';
import type { Said } from './host.ts';
import { type TableRow, unsurveyed } from './protocol.ts';

/** A kernel whose code needs these. */
function row(tier: string, needs: readonly string[], code: Partial<TableRow['code']> = {}): TableRow {
  const found = needs.map(feature => ({ instruction: 'x', needs: feature, place: 'run' }));
  return {
    op: 'rms_norm',
    name: 'one',
    tier,
    available: true,
    numerics: 0,
    promises: 0,
    code: { ...unsurveyed, instructions: 100, needs: found, ...code },
  };
}

/** The CPUs on which it overclaims, when it says yes unless one of these lacks. */
function on(one: TableRow, asks: readonly string[], otherwise: Said = 'no'): string[] {
  const said = (lacks: readonly string[]) => (asks.some(word => lacks.includes(word)) ? otherwise : 'yes');
  const [found] = overclaims([one], cpu => [cpu.is === 'faked' ? said(cpu.lacks) : 'unknown']);
  return found.map(({ cpu }) => cpu);
}

const state = ['OSXSAVE', 'YMM', 'ZMM'];
const avx512 = row('avx512', ['AVX', 'AVX512F', 'AVX512BW']);

test.each<[string, TableRow, string[], RegExp[]]>([
  ['F for BW', avx512, ['AVX', 'AVX512F', ...state], [/Knights Landing/]],
  ['YMM for ZMM', avx512, ['AVX512BW', 'AVX', 'OSXSAVE', 'YMM'].filter(w => w !== 'ZMM'), [/ZMM registers/]],
  ['AVX for F16C', row('avx2', ['AVX', 'F16C']), ['AVX', ...state], [/Sandy Bridge/]],
  ['AVX for AVX2', row('avx2', ['AVX2']), ['AVX', ...state], [/Piledriver/, /Ivy Bridge/, /Sandy Bridge/]],
  ['nothing', avx512, ['AVX512BW', 'AVX', ...state], []],
  [
    'AVX2 for FMA, F16C and BMI, as every CPU that is sold has it',
    row('avx2', ['FMA', 'F16C', 'BMI1', 'BMI2']),
    ['AVX2', 'AVX', ...state],
    [],
  ],
  [
    'its own look for what the code shows',
    row('avx2', ['F16C'], { looksAtCpu: true }),
    ['AVX', ...state],
    [],
  ],
])('who takes %s', (_, one, asks, where) => {
  const found = on(one, asks);
  expect(found).toHaveLength(where.length);
  where.forEach((says, i) => {
    expect(found[i]).toMatch(says);
  });
});

test("registers that are not saved are the tier's concern, whatever its code is seen to be", () => {
  const unseen = row('avx2', [], { looksAtCpu: true });
  expect(on(unseen, ['AVX'])).toEqual([
    'this CPU where the system has not enabled XSAVE',
    'this CPU where the system does not save YMM registers',
  ]);
  expect(on(unseen, ['AVX', ...state])).toEqual([]);
});

test('nothing is said of who does not hear the faked CPU, nor where nobody answers', () => {
  const fma = row('avx2', ['FMA']);
  expect(on(fma, [])).toEqual([]);
  expect(on(fma, ['AVX', 'AVX2', 'FMA', ...state], 'unknown')).toEqual([]);
  expect(on({ ...fma, available: false }, ['AVX'])).toEqual([]);
  expect(on(row('mine', []), ['AVX'])).toEqual([]);
  expect(on(row('sse2', ['AVX']), ['AVX'])).toEqual([]);
});

test('a yes that asks nobody is one to every CPU', () => {
  const unasked = row('avx2', ['FMA'], { availableUnasked: true });
  expect(on(unasked, []).length).toBeGreaterThan(3);
  expect(on(row('avx2', [], { availableUnasked: true }), [])).toEqual([]);
});
