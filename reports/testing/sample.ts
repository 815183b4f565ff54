/**
 * Runs that never happened, for the report's tests and for looking at the page: every figure is made up, and
 * each document is read by the schema that a real one has to pass.
 */

import type { Case } from '../../src/case/case.ts';
import { caseVersion } from '../../src/case/case.ts';
import { type FloatDtype, floatDtypes, sizeOf } from '../../src/case/dtype.ts';
import {
  type Cell,
  type Finding,
  type Run,
  runSchema,
  runVersion,
  type Timing,
} from '../../src/run/document.ts';

/** A repeatable number in [0, 1) for a name. */
function noise(name: string): number {
  let h = 2166136261;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 16777619);
  h = Math.imul(h ^ (h >>> 15), 2246822519);
  return ((h ^ (h >>> 13)) >>> 0) / 2 ** 32;
}

const hex = (name: string) =>
  Array.from({ length: 64 }, (_, i) => Math.floor(noise(`${name}${i}`) * 16).toString(16)).join('');

/** A case of RMSNorm on plain tensors. */
export function rmsNormCase(rows: number, n: number, dtype: FloatDtype): Case {
  const size = sizeOf(dtype);
  return {
    version: caseVersion,
    op: 'rms_norm',
    params: { eps: 1e-5, weightOffset: 0, roundBeforeWeight: false },
    buffers: {
      x: { bytes: rows * n * size, edge: 'end', sparse: false, poison: 'nan' },
      weight: { bytes: n * size, edge: 'start', sparse: false, poison: 'nan' },
      y: { bytes: rows * n * size, edge: 'end', sparse: false, poison: 'finite' },
    },
    tensors: {
      x: {
        buffer: 'x',
        offset: 0,
        shape: [rows, n],
        strides: [n, 1],
        dtype,
        data: { kind: 'normal', seed: 7, scale: 1, patches: [] },
      },
      weight: {
        buffer: 'weight',
        offset: 0,
        shape: [n],
        strides: [1],
        dtype,
        data: { kind: 'uniform', seed: 11, scale: 1, patches: [] },
      },
      y: { buffer: 'y', offset: 0, shape: [rows, n], strides: [n, 1], dtype },
    },
    threads: 1,
  };
}

const nativeBuild = hex('native build');
const mutantsBuild = hex('mutants build');
const properties = [
  'equivalence',
  'scale invariance',
  'row independence',
  'special values',
  'memory',
  'determinism',
  'refuses what is invalid',
];

/** A cell that passed. */
export function passCell(kernel: string, tier: string, dtype: FloatDtype): Cell {
  const name = `${kernel}${dtype}`;
  const cases = 512;
  return {
    provider: 'native',
    op: 'rms_norm',
    kernel,
    tier,
    dtype,
    verdict: 'pass',
    machines: [0],
    cases,
    elements: 1_204_608 + Math.floor(noise(name) * 1e5),
    telling: 1_148_011,
    supported: cases,
    asked: cases,
    worst: { ratio: 0.3 + 0.15 * noise(name), k: 211, case: rmsNormCase(3, 257, dtype) },
    precision: 0.7 + 0.6 * noise(`${name}p`),
    properties: properties.map((p, i) => ({ name: p, held: cases - 61 * i, failed: 0 })),
    executed: [`rms_norm.${kernel}.${tier}.${dtype}`],
    digest: hex(`digest ${dtype}`),
    build: nativeBuild,
    numerics: 'F32',
    promises: ['threads', 'placement', 'batch'],
  };
}

/** The same cell with nothing executed. */
function silentCell(cell: Cell, verdict: Cell['verdict'], reason: string): Cell {
  return {
    ...cell,
    verdict,
    machines: [],
    reason,
    cases: 0,
    elements: 0,
    telling: 0,
    supported: 0,
    asked: verdict === 'unsupported' ? 512 : 0,
    worst: null,
    precision: null,
    properties: [],
    executed: [],
    digest: null,
  };
}

interface Shape {
  readonly shape: string;
  readonly rows: number;
  readonly n: number;
}

const prefill: readonly Shape[] = [
  { shape: 'SmolLM2-135M prefill', rows: 512, n: 576 },
  { shape: 'Llama-3.2-1B prefill', rows: 512, n: 2048 },
  { shape: 'Llama-3.1-8B prefill', rows: 512, n: 4096 },
  { shape: 'Llama-3.1-70B prefill', rows: 512, n: 8192 },
];
const decode: readonly Shape[] = [
  { shape: 'Llama-3.1-8B decode', rows: 1, n: 4096 },
  { shape: 'Llama-3.1-70B decode', rows: 1, n: 8192 },
];
const shapes = [...prefill, ...decode];

const bytesOf = ({ rows, n }: Shape, dtype: FloatDtype) => 2 * rows * n * sizeOf(dtype);

function copyTime(shape: Shape, dtype: FloatDtype): number {
  const bytes = bytesOf(shape, dtype);
  return 40 + bytes / (bytes > 3e7 ? 42 : bytes > 1e6 ? 61 : 88);
}

/** Nanoseconds an element, by tier and dtype. */
const pace: Readonly<Record<string, Readonly<Record<FloatDtype, number>>>> = {
  scalar: { f32: 0.53, f16: 3.2, bf16: 0.64 },
  sse2: { f32: 0.3, f16: 1.25, bf16: 0.31 },
  avx2: { f32: 0.13, f16: 0.09, bf16: 0.1 },
  avx512: { f32: 0.11, f16: 0.065, bf16: 0.072 },
};

function timing(cell: Cell, shape: Shape, slowdown: number): Timing {
  const own = pace[cell.tier][cell.dtype] * shape.rows * shape.n * slowdown;
  const floor = copyTime(shape, cell.dtype) * 1.08;
  const median = Math.max(own, floor) * (0.98 + 0.05 * noise(cell.kernel + cell.tier + cell.dtype + shape.n));
  const bytes = bytesOf(shape, cell.dtype);
  const blocks = Array.from({ length: 4 }, (_, b) =>
    Array.from({ length: 5 }, (_, s) => median * (0.985 + 0.04 * noise(`${b}.${s}.${shape.n}`))),
  );
  return {
    provider: cell.provider,
    op: cell.op,
    kernel: cell.kernel,
    tier: cell.tier,
    dtype: cell.dtype,
    machine: 0,
    ...shape,
    size: `${shape.rows} x ${shape.n}`,
    threads: 1,
    roof: 'memcpy',
    work: bytes,
    blocks,
    calls: 16,
    median,
    low: median * 0.985,
    high: median * 1.03,
    rate: bytes / median,
    ofRoof: copyTime(shape, cell.dtype) / median,
    proved: cell.verdict === 'pass',
  };
}

function ceilings(): Run['ceilings'] {
  return shapes.flatMap(shape =>
    floatDtypes.map(dtype => {
      const median = copyTime(shape, dtype);
      return {
        machine: 0,
        shape: shape.shape,
        size: `${shape.rows} x ${shape.n}`,
        dtype,
        roof: 'memcpy' as const,
        tier: null,
        median,
        rate: bytesOf(shape, dtype) / median,
      };
    }),
  );
}

const edges: readonly (readonly [dimension: string, ...rest: (readonly [edge: string, cases: number])[]])[] =
  [
    ['row length', ['1', 31], ['below a vector', 208], ['a vector and one', 64], ['odd', 488], ['8192', 12]],
    ['rows', ['0', 9], ['1', 190], ['2', 144], ['many', 169]],
    ['strides', ['packed', 301], ['gap between rows', 122], ['rows broadcast', 40], ['beyond 32 bits', 3]],
    ['placement', ['flush to end guard', 352], ['flush to start guard', 160], ['element-aligned only', 128]],
    ['in place', ['no', 300], ['y on x', 120], ['residualOut on residual', 92]],
    ['weight', ['none', 70], ['own type', 372], ['f32 beside 16 bits', 70]],
    ['eps', ['0', 24], ['1e-6', 201], ['1e-5', 287]],
    ['data', ['normal', 210], ['outlier', 51], ['constant', 42], ['subnormal', 17], ['NaN in a row', 33]],
  ];

const tiers = ['scalar', 'sse2', 'avx2', 'avx512'];

/** The same run, its first cells executed on an emulated CPU alone. */
export function emulatedRun(cells: number): Run {
  const run = greenRun();
  const emulated = { ...run.machines[0], model: 'Nehalem, emulated', emulator: 'qemu-x86_64 7.2.22' };
  return {
    ...run,
    machines: [...run.machines, emulated],
    cells: run.cells.map((cell, i) => (i < cells ? { ...cell, machines: [1] } : cell)),
  };
}

/** Every native kernel right in all four tiers and three dtypes, all of them timed. */
export function greenRun(): Run {
  const cells = floatDtypes.flatMap(dtype => tiers.map(tier => passCell('lanes32', tier, dtype)));
  return runSchema.parse({
    version: runVersion,
    tool: { version: '0.1.0', commit: '7d03b1f4c2a98e5d6b1f0a3c7e9d2b4f6a8c0e1d' },
    started: '2026-11-23T21:14:09Z',
    seconds: 64.2,
    command: { line: 'npm start', seed: 20261123, cases: 512, budgetSeconds: null },
    machines: [
      {
        model: 'AMD EPYC 9B45',
        vendor: 'AuthenticAMD',
        cores: 4,
        memoryBytes: 16 * 2 ** 30,
        system: 'Linux 6.1 x86-64',
        node: '20.19.4',
        features:
          'sse2 ssse3 sse4.1 avx avx2 fma f16c bmi1 bmi2 avx512f avx512bw avx512dq avx512vl avx512cd'.split(
            ' ',
          ),
        xcr0: '0xe7',
        caches: [
          { name: 'L1d', bytes: 48 * 1024 },
          { name: 'L2', bytes: 1024 * 1024 },
          { name: 'L3', bytes: 32 * 2 ** 20 },
        ],
        tiers: tiers.map(tier => ({ tier, available: true, why: 'CPUID and XCR0 have all of its features' })),
      },
    ],
    parts: [],
    providers: [
      { name: 'native', version: '0.1.0', build: nativeBuild, path: null, leftOut: [], role: 'subject' },
    ],
    cells,
    findings: [],
    regressions: [],
    mishaps: [],
    edges: edges.flatMap(([dimension, ...own]) =>
      own.map(([edge, cases]) => ({ op: 'rms_norm' as const, dimension, edge, cases })),
    ),
    throughput: {
      cases: 1536,
      seconds: 38.6,
      casesPerSecond: 39.8,
      meanElements: 2391,
      calls: 43008,
      workers: 3,
    },
    timings: cells.flatMap(cell => shapes.map(shape => timing(cell, shape, 1))),
    untimed: [],
    ceilings: ceilings(),
  } satisfies Run);
}

/** A planted bug: which property tells, in which tiers, and what it does to the error. */
interface Planted {
  readonly kernel: string;
  readonly property: string;
  readonly tiers: readonly string[];
  readonly ratio: number | null;
  readonly message: string;
}

const planted: readonly Planted[] = [
  {
    kernel: 'RN02-rsqrtss',
    property: 'precision',
    tiers: ['sse2', 'avx2'],
    ratio: 0.61,
    message: 'The whole row is off by a common factor: precision statistic 146, limit 4.',
  },
  {
    kernel: 'RN12-weight-twice',
    property: 'equivalence',
    tiers: ['scalar', 'avx2'],
    ratio: 27_683,
    message: 'Elements of y lie beyond their error bound, by up to 27,683 times.',
  },
  {
    kernel: 'RN19-tail-store',
    property: 'memory',
    tiers: ['avx2'],
    ratio: null,
    message: 'The kernel wrote past the end of y: signal 11 (SIGSEGV) at the guard page after buffer y.',
  },
];

/** The case of a finding: shrunk, with a patch and strides that say something. */
function shrunkCase(dtype: FloatDtype): Case {
  const c = rmsNormCase(2, 5, dtype);
  c.tensors.x.strides = [8, 1];
  c.buffers.x.bytes = 13 * sizeOf(dtype);
  c.tensors.x.data = { kind: 'list', seed: 0, scale: 1, values: [1, 0, 0, 0, 2], patches: [] };
  c.tensors.weight.data = {
    kind: 'constant',
    seed: 0,
    scale: 3,
    patches: [{ start: 4, count: 1, step: 1, value: 0.5 }],
  };
  return c;
}

/** What a finding turns on: as much as there can be, and for one of them nothing at all. */
function explanationOf(property: string, tier: string): Finding['explanation'] {
  if (property === 'memory') return null;
  const free = ['dtype', 'x.seed', 'weightInF32', 'roundBeforeWeight', 'aliasing', 'yLayout', 'poison'];
  const agreeing = (within: number, agreed: number) => ({ within, failing: 60, agreeing: agreed });
  const shares = [
    ['row length', 'a power of two + 1', 212, 212],
    ['weight', 'large', 388, 341],
    ['data', 'outlier', 51, 30],
    ['weight', 'absent', 96, 0],
    ['eps', 'large enough to show', 141, 2],
  ] as const;
  return {
    attempts: 87,
    fields: [
      ...free.map(name => ({ name, value: 'plain', fails: ['other'], holds: [], ...agreeing(1, 60) })),
      { name: 'weight', value: 'given', fails: [], holds: ['none'], ...agreeing(0.8, 60) },
      { name: 'x.kind', value: 'normal', fails: ['uniform'], holds: ['zeros', 'ramp'], ...agreeing(0.6, 51) },
    ],
    thresholds: [
      { name: 'n', value: 5, from: 5, to: null, fails: [6, 33333], holds: [1, 4], ...agreeing(0.81, 60) },
      { name: 'rows', value: 2, from: null, to: null, fails: [1, 3, 17], holds: [], ...agreeing(1, 60) },
      { name: 'shift', value: 0, from: 0, to: 1, fails: [4], holds: [3, 15], ...agreeing(0.12, 9) },
    ],
    tiers: tiers
      .filter(other => other !== tier)
      .map(other => ({
        tier: other,
        is: other === 'avx512' ? ('not asked' as const) : ('same bits' as const),
      })),
    shares: {
      cases: 512,
      failed: 377,
      edges: shares.map(([dimension, edge, cases, failed]) => ({ dimension, edge, cases, failed })),
    },
  };
}

function findingOf({ property, message, ratio }: Planted, cell: Cell): Finding {
  const { provider, op, kernel, tier, dtype } = cell;
  const file = `.tierwise/failures/${op}-${dtype}-${kernel}-${tier}.json`;
  return {
    provider,
    op,
    kernel,
    tier,
    dtype,
    machine: 0,
    property,
    message,
    k: 17,
    case: shrunkCase(dtype),
    shrunk: { steps: 41, runs: 388, fromElements: 26_214, toElements: 10 },
    explanation: explanationOf(property, tier),
    elements:
      ratio === null
        ? []
        : [
            {
              role: 'y',
              index: 0,
              at: [0, 0],
              expected: '2.999850011',
              seen: '2.999850035',
              seenBits: '0x403ffd8b',
              excess: 0,
              bound: 1.07e-6,
            },
            {
              role: 'y',
              index: 4,
              at: [0, 4],
              expected: '0.999950004',
              seen: '0.999991655',
              seenBits: '0x3f7fff74',
              excess: 4.16e-5,
              bound: 4.84e-7,
            },
            {
              role: 'y',
              index: 9,
              at: [1, 4],
              expected: '-1.25e-7',
              seen: 'NaN',
              seenBits: '0x7fc00000',
              excess: null,
              bound: null,
            },
          ],
    file,
    replay: `npx tierwise replay ${file}`,
  };
}

/**
 * Native kernels on a machine without avx512, one of them not run, beside a library of planted bugs that
 * fail, refuse a dtype, and were timed all the same.
 */
export function plantedRun(): Run {
  const base = greenRun();
  const [machine] = base.machines;
  const noAvx512 = 'the OS does not save ZMM state: XCR0 0x7';
  const native = base.cells.map(cell =>
    cell.tier === 'avx512' ? silentCell(cell, 'unavailable', noAvx512) : cell,
  );
  const mutants = planted.flatMap(bug =>
    floatDtypes.flatMap(dtype =>
      tiers.map((tier): Cell => {
        const cell: Cell = {
          ...passCell(bug.kernel, tier, dtype),
          provider: 'mutants',
          build: mutantsBuild,
          executed: [],
          promises: [],
        };
        if (tier === 'avx512') return silentCell(cell, 'unavailable', noAvx512);
        if (dtype === 'bf16' && tier === 'scalar') {
          return silentCell(cell, 'unsupported', 'says unsupported to all 512 cases');
        }
        if (dtype === 'f16' && tier === 'sse2') {
          return silentCell(cell, 'not-run', 'the budget ended before its turn');
        }
        if (!bug.tiers.includes(tier)) return cell;
        return {
          ...cell,
          verdict: 'fail',
          reason: `${bug.property} does not hold`,
          worst: bug.ratio === null ? null : { ratio: bug.ratio, k: 17, case: rmsNormCase(2, 769, dtype) },
          precision: bug.property === 'memory' ? null : 146,
          properties: cell.properties
            .map(p => (p.name === bug.property ? { ...p, held: p.held - 37, failed: 37 } : p))
            .concat(bug.property === 'precision' ? [{ name: 'precision', held: 201, failed: 37 }] : []),
        };
      }),
    ),
  );
  const findings = mutants
    .filter(cell => cell.verdict === 'fail')
    .map(cell => findingOf(planted.find(b => b.kernel === cell.kernel) ?? planted[0], cell));
  const timedMutants = mutants.filter(c => c.kernel === 'RN12-weight-twice' && c.cases > 0);
  return runSchema.parse({
    ...base,
    command: {
      ...base.command,
      line: 'tierwise check --library target/release/libtierwise_mutants.so',
      budgetSeconds: 60,
    },
    machines: [
      {
        ...machine,
        model: 'Intel Xeon (Skylake)',
        vendor: 'GenuineIntel',
        features: machine.features.filter(f => !f.startsWith('avx512')),
        xcr0: '0x7',
        tiers: [
          ...machine.tiers.map(t => (t.tier === 'avx512' ? { ...t, available: false, why: noAvx512 } : t)),
          { tier: 'amx', available: false, why: 'CPUID has no AMX-TILE' },
        ],
      },
    ],
    providers: [
      ...base.providers,
      {
        name: 'mutants',
        version: '0.1.0',
        build: mutantsBuild,
        path: 'target/release/libtierwise_mutants.so',
        leftOut: [],
        role: 'subject',
      },
    ],
    cells: [...native, ...mutants],
    findings,
    edges: base.edges.map(e =>
      e.edge === 'beyond 32 bits' || e.edge === 'subnormal' ? { ...e, cases: 0 } : e,
    ),
    timings: [
      ...base.timings.filter(t => t.tier !== 'avx512'),
      ...timedMutants.flatMap(cell => shapes.map(shape => timing(cell, shape, 1.21))),
    ],
  } satisfies Run);
}
