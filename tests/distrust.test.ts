/**
 * The harness distrusts itself: every bug that test harnesses had (H1 to H18 of the catalogue of bugs), planted.
 * A row is red where this harness has the bug too.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkGolden } from '../reference/golden.ts';
import { expectedOf } from '../reference/index.ts';
import { judge } from '../reference/judge.ts';
import { rmsNormCase } from '../reference/testing/rms_norm_cases.ts';
import { plain, run } from '../reference/testing/rms_norm_kernels.ts';
import { outputElements } from '../src/case/case.ts';
import { type Bits, bitsOf, encode, formats } from '../src/case/dtype.ts';
import { inputBits } from '../src/case/materialise.ts';
import { Examiner } from '../src/check/examiner.ts';
import { drawCase } from '../src/check/generate.ts';
import { propertiesOf } from '../src/check/properties.ts';
import { planted, sightings } from '../src/check/testing/planted.ts';
import { kernelId, libraryAt, load, native } from '../src/providers/provider.ts';
import { suites } from '../suites/index.ts';
import { allModels } from '../suites/models.ts';
import { rmsNorm } from '../suites/rms_norm/index.ts';
import { brokenBy } from '../suites/testing/contract.ts';
import { mutants } from './testing/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'tierwise-distrust-'));
afterAll(() => rmSync(folder, { recursive: true }));

const c = rmsNormCase({
  rows: 4,
  n: 100,
  dtype: 'f32',
  x: { kind: 'normal', seed: 5 },
  weight: { kind: 'normal', seed: 6 },
});
const inputs = inputBits(c);
const [expected] = expectedOf(c, inputs);
const { y } = run(plain, c, inputs);
const { nan } = formats.f32;

/** Elements that fail when an output is spoilt. */
function failing(spoil: (bits: Bits) => void, of = expected): number {
  const copy = y.slice();
  spoil(copy);
  return judge(of, copy, { generic: false }).failing;
}

/** What a check of native kernels of RMSNorm reports. */
function nativeReport(cases: number) {
  const provider = load(native);
  const kernels = provider.kernels.filter(kernel => kernel.available);
  const examiner = new Examiner({
    providers: [provider],
    kernels: kernels.map(kernelId),
    dtypes: ['f32', 'f16', 'bf16'],
    seed: 1,
    properties: null,
    inProcess: false,
  });
  try {
    return {
      kernels,
      ...examiner.examineUnit({ op: 'rms_norm', from: 0, to: cases, closed: [], asked: {} }),
    };
  } finally {
    examiner.close();
  }
}

const found = (
  name: string,
  plant: Parameters<typeof planted>[2],
  properties: readonly string[] | null = null,
) => sightings(planted(folder, name, plant), 200, properties).map(({ breach }) => breach.property);

const rows: Record<string, readonly [string, () => void]> = {
  H1: [
    'a place where the reference is NaN is compared too',
    () => {
      const spec = {
        ...c.tensors.x,
        data: { ...c.tensors.x.data!, patches: [{ start: 7, count: 1, step: 1, value: 'nan' as const }] },
      };
      const withNaN = { ...c, tensors: { ...c.tensors, x: spec } };
      const [due] = expectedOf(withNaN, inputBits(withNaN));
      expect(judge(due, y, { generic: false }).failing).toBe(100);
    },
  ],
  H2: [
    'one wrong element among many fails, NaN or not',
    () => {
      expect(failing(bits => bits.fill(nan, 137, 138))).toBe(1);
      expect(failing(bits => bits.fill(encode(1e3, 'f32'), 137, 138))).toBe(1);
    },
  ],
  H3: [
    'a constant in the middle of the values does not pass',
    () => {
      expect(failing(bits => bits.fill(encode(0.75, 'f32')))).toBeGreaterThan(390);
    },
  ],
  H4: ['all NaN matches nothing', () => expect(failing(bits => bits.fill(nan))).toBe(400)],
  H5: [
    'a NaN fails even where any number would pass',
    () => {
      const wide = { ...expected, hard: expected.hard.map(() => Number.POSITIVE_INFINITY) };
      expect(failing(() => undefined, wide)).toBe(0);
      expect(failing(bits => bits.fill(nan, 3, 4), wide)).toBe(1);
    },
  ],
  H6: [
    'weights are seldom all one, and a scale that is applied twice fails',
    () => {
      const weighted = Array.from({ length: 200 }, (_, k) => drawCase(rmsNorm, 1, k).case).filter(
        ({ tensors: { weight } }) => weight?.data && weight.data.kind !== 'constant',
      );
      expect(weighted.length).toBeGreaterThan(100);
      expect(
        found('twice', { row: 'if (weight) for (int64_t j = 0; j < 1; j++) r *= *element(w, 0, 0);' }),
      ).toContain('equivalence');
    },
  ],
  H7: [
    'every property is asked of every kernel and type',
    () => {
      const { evidence, kernels } = nativeReport(900);
      for (const kernel of kernels.filter(({ op }) => op === 'rms_norm')) {
        for (const dtype of ['f32', 'f16', 'bf16'] as const) {
          const asked = Object.keys(evidence[`${kernelId(kernel)}#${dtype}`].properties);
          const others = propertiesOf('rms_norm').map(({ name }) => name);
          const unasked = others.filter(name => !asked.includes(name));
          // The tier that others are compared with is not compared with itself.
          expect(unasked.filter(name => name !== 'tiers')).toEqual([]);
        }
      }
    },
  ],
  H8: [
    'models are not all of a group size that equals their kv heads',
    () => {
      const grouped = allModels.filter(({ heads, kvHeads }) => heads / kvHeads !== kvHeads);
      expect(new Set(grouped.map(({ heads, kvHeads }) => heads / kvHeads)).size).toBeGreaterThan(3);
    },
  ],
  H9: [
    'every tier is run by itself, and says so',
    () => {
      const { evidence, kernels } = nativeReport(24);
      for (const kernel of kernels.filter(({ op }) => op === 'rms_norm')) {
        const { executed, cases } = evidence[`${kernelId(kernel)}#f32`];
        expect(cases).toBeGreaterThan(0);
        expect(executed).toEqual([`rms_norm/${kernel.name}/${kernel.tier}`]);
      }
    },
  ],
  H10: [
    "the kernel's own NaN counts, and a reference of zeros is no proof",
    () => {
      expect(failing(bits => bits.fill(nan, 0, 1))).toBe(1);
      const zeros = rmsNormCase({ rows: 4, n: 100, dtype: 'f32', x: { kind: 'zeros' } });
      const [due] = expectedOf(zeros, inputBits(zeros));
      const { failing: wrong, informative } = judge(due, new Uint32Array(400), { generic: false });
      expect({ wrong, informative }).toEqual({ wrong: 0, informative: 0 });
    },
  ],
  H11: [
    'an element past the end is seen, whatever the allocator put there',
    () => {
      const past = '*(volatile float *)(element(y, y.rows - 1, y.n - 1) + 1) = 0;';
      const seen = new Set(found('past', { first: `if (y.rows > 0) ${past}` }));
      expect(seen.has('survival') || seen.has('memory')).toBe(true);
    },
  ],
  H12: [
    'scratch is as large as each call asked for, not as an earlier one did',
    () => {
      const scratch = 'args->x->shape[1] > 64 ? 4096 : 64';
      const seen = new Set(
        found('scratch', { scratch, first: '((volatile char *)args->call.scratch)[100] = 1;' }),
      );
      expect(seen.has('survival') || seen.has('memory')).toBe(true);
    },
  ],
  H13: [
    'a kernel that knows one layout alone fails',
    () => {
      const seen = new Set(found('layout', { first: 'x.row = x.n; x.column = 1;' }));
      expect(seen.has('survival') || seen.has('equivalence')).toBe(true);
    },
  ],
  H14: [
    'the reference is of float64, and the same each time',
    () => {
      expect(expectedOf(c, inputBits(c))[0]).toEqual(expected);
      const off = expected.ref.map((value, i) =>
        Math.abs(value - Math.fround(value)) > 0 && i >= 0 ? 1 : 0,
      );
      expect(off.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(300);
    },
  ],
  H15: [
    'the reference agrees with values of another source; what is illegal must be refused',
    () => {
      expect(checkGolden()).toEqual([]);
      expect(found('accepts', { outside: '#define TW_INVALID TW_OK' }, ['refusal'])).toContain('refusal');
    },
  ],
  H16: [
    'a kernel that aborts does not end the check of another',
    () => {
      const provider = load(libraryAt(mutants));
      const names = ['aborts', 'ignores-eps'];
      const kernels = provider.kernels.filter(({ name }) => names.includes(name)).map(kernelId);
      const examiner = new Examiner({
        providers: [provider],
        kernels,
        dtypes: ['f32'],
        seed: 1,
        properties: null,
        inProcess: false,
      });
      const { sightings: seen } = examiner.examineUnit({
        op: 'rms_norm',
        from: 0,
        to: 80,
        closed: [],
        asked: {},
      });
      examiner.close();
      expect([...new Set(seen.map(({ kernel }) => kernel))].sort()).toEqual([...kernels].sort());
    },
  ],
  H17: [
    'what is timed is a valid call, of which the check has the like',
    () => {
      for (const { shapes } of suites) {
        for (const { make } of shapes.filter(({ rows, n }) => rows * n < 1 << 16)) {
          const { case: timed } = make('f32');
          expect(brokenBy(timed)).toBeUndefined();
          expect([timed.threads, timed.lie]).toEqual([1, undefined]);
        }
      }
    },
  ],
  H18: [
    'a case without elements proves nothing, and few cases are below a vector',
    () => {
      const cases = Array.from({ length: 300 }, (_, k) => drawCase(rmsNorm, 1, k).case);
      const empty = cases.find(base => outputElements(base) === 0)!;
      const [due] = expectedOf(empty, inputBits(empty));
      expect(judge(due, bitsOf(due.dtype, 0), { generic: false }).informative).toBe(0);
      expect(cases.filter(({ tensors: { x } }) => x.shape[1] > 16).length).toBeGreaterThan(150);
    },
  ],
};

test.each(Object.entries(rows).map(([id, [what, holds]]) => [id, what, holds] as const))(
  '%s: %s',
  (_id, _what, holds) => holds(),
);
