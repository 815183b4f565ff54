/**
 * The run document: everything that one run saw, as versioned JSON. Reports, gates and merges read this and
 * nothing else, so a run can be shown long after the code that made it is gone.
 */

import { z } from 'zod';
import { caseSchema, ops } from '../case/case.ts';
import { floatDtypes } from '../case/dtype.ts';
import { roofs } from '../case/roof.ts';

export const runVersion = 6;

/** The CPU feature tiers that a cell may belong to, narrowest first. */
export const tiers = ['scalar', 'sse2', 'avx2', 'avx512', 'amx', 'neon', 'simd128'] as const;

/** What a cell comes to. Only an executed, checked cell is `pass`. */
export const verdicts = ['pass', 'fail', 'unsupported', 'unavailable', 'not-run'] as const;
export type Verdict = (typeof verdicts)[number];

/** The largest ratio that a run document holds: it stands for an error without measure (a NaN, a bound of 0). */
export const ratioLimit = 1e300;

/** What a provider is in a run. */
export const roles = ['subject', 'peer'] as const;

const count = z.int().nonnegative();

/** The machine that something was seen on: an index into `machines`. */
const machineIndex = count;

/** The names of a cell. `tier` is a plain string: a library may bring one that is not known here. */
const cellKey = {
  provider: z.string(),
  op: z.enum(ops),
  kernel: z.string(),
  tier: z.string(),
  /** The type of x (rms_norm, rope) or q (gqa). */
  dtype: z.enum(floatDtypes),
};

/** The evidence for one provider x op x kernel x tier x dtype. */
const cellSchema = z.strictObject({
  ...cellKey,
  verdict: z.enum(verdicts),
  /** Machines on which it was executed: indices into `machines`. */
  machines: z.array(count),
  /** One line on why, where the verdict is not `pass`. */
  reason: z.string().optional(),
  /** Cases that were executed and judged. */
  cases: count,
  /** Output elements that were compared. */
  elements: count,
  /** Of `elements`, those whose expected value was finite and not zero. */
  telling: count,
  /** Cases that the kernel accepted, of those that it was asked. */
  supported: count,
  asked: count,
  /** The closest that any element came to its bound: excess / hard bound (1 is the bound), and the case. */
  worst: z.strictObject({ ratio: z.number(), k: count, case: caseSchema }).nullable(),
  /** The largest precision statistic seen (the limit is 4); null where no case was generic. */
  precision: z.number().nullable(),
  properties: z.array(z.strictObject({ name: z.string(), held: count, failed: count })),
  /** The ids that the kernel reported as executed; empty when its library reports none. */
  executed: z.array(z.string()),
  /** SHA-256 over the outputs on a fixed set of cases, every NaN one value; null when not executed. */
  digest: z.string().nullable(),
  /** What the kernel was built from: see `providers[].build`. */
  build: z.string(),
  numerics: z.string(),
  promises: z.array(z.string()),
});
export type Cell = z.infer<typeof cellSchema>;

const elementSchema = z.strictObject({
  role: z.string(),
  /** Logical index, C order, and the same by dimension. */
  index: count,
  at: z.array(count),
  /** Decimal text, with as many digits as tell neighbours apart; `NaN`, `Infinity` and words as they are. */
  expected: z.string(),
  seen: z.string(),
  seenBits: z.string(),
  /** Excess and hard bound; null where the contract fixes bits. */
  excess: z.number().nullable(),
  bound: z.number().nullable(),
});
export type FindingElement = z.infer<typeof elementSchema>;

/** How far what was found out on one case speaks for others: where it does, more failing cases agree than drawn ones. */
const agreement = {
  /** Share of the values that the suite draws which agree: 0 to 1. */
  within: z.number(),
  /** Failing cases of the cell that were looked at, and those of them that agree. */
  failing: count,
  agreeing: count,
};

/** A field of the smallest case without order, and in words which other values were tried in its place. */
const fieldSchema = z.strictObject({
  name: z.string(),
  value: z.string(),
  /** Values with which it still fails, and with which it does not. */
  fails: z.array(z.string()),
  holds: z.array(z.string()),
  ...agreement,
});
export type Field = z.infer<typeof fieldSchema>;

const thresholdSchema = z.strictObject({
  name: z.string(),
  /** In the smallest case. */
  value: z.number(),
  /** The stretch around it in which every value that was tried fails; null: no end was seen on that side. */
  from: z.number().nullable(),
  to: z.number().nullable(),
  /** All values that were tried, ascending. */
  fails: z.array(z.number()),
  holds: z.array(z.number()),
  ...agreement,
});
export type Threshold = z.infer<typeof thresholdSchema>;

/** What another tier of a kernel makes of a finding's case. */
export const tierAnswers = ['same bits', 'fails alike', 'fails otherwise', 'holds', 'not asked'] as const;

/** What a finding turns on. Each field is changed by itself, with all others as in the smallest case. */
const explanationSchema = z.strictObject({
  /** Changed cases that were tried. */
  attempts: count,
  fields: z.array(fieldSchema),
  thresholds: z.array(thresholdSchema),
  tiers: z.array(z.strictObject({ tier: z.string(), is: z.enum(tierAnswers) })),
  /** Cases of the cell that the property was asked of, those that failed, and the same on telling edges. */
  shares: z
    .strictObject({
      cases: count,
      failed: count,
      edges: z.array(
        z.strictObject({ dimension: z.string(), edge: z.string(), cases: count, failed: count }),
      ),
    })
    .nullable(),
});
export type Explanation = z.infer<typeof explanationSchema>;

const findingSchema = z.strictObject({
  ...cellKey,
  machine: machineIndex,
  /** Which property does not hold. */
  property: z.string(),
  /** One or two sentences: what was asked, what was seen. */
  message: z.string(),
  /** The case of the run's sequence in which it was first seen; a named one only where no other shows it. */
  k: count,
  /** The smallest case that still fails. */
  case: caseSchema,
  shrunk: z.strictObject({ steps: count, runs: count, fromElements: count, toElements: count }),
  /** null: a failure of old, which is only asked again. */
  explanation: explanationSchema.nullable(),
  /** A few elements that break it. */
  elements: z.array(elementSchema),
  /** Path of the failure file: from the folder on in which the run was made, or absolute where it lies elsewhere. */
  file: z.string(),
  /** The line that runs it again. */
  replay: z.string(),
});
export type Finding = z.infer<typeof findingSchema>;

/** Fewer samples than this have no quartiles: their interval goes from the least to the greatest. */
export const fewestForQuartiles = 8;

const timingSchema = z.strictObject({
  ...cellKey,
  machine: machineIndex,
  /** Name and sizes of the shape: `Llama-3.1-8B prefill`, `512 x 4096`. */
  shape: z.string(),
  size: z.string(),
  /** The number on the chart's axis: elements of a row. */
  n: count,
  rows: count,
  threads: count,
  /** The roof that the shape stands under, and what one call must do: bytes, or operations under `multiply-add`. */
  roof: z.enum(roofs),
  work: count,
  /** Raw samples, nanoseconds per call, in the order of measurement, by block. */
  blocks: z.array(z.array(z.number())),
  /** Calls in one sample. */
  calls: count,
  /**
   * Of all samples, nanoseconds per call: median, and the quartiles below and above it; of fewer than
   * `fewestForQuartiles`, the least and the greatest instead.
   */
  median: z.number(),
  low: z.number(),
  high: z.number(),
  /** work / median: gigabytes or billions of operations a second. */
  rate: z.number(),
  /** Share of the roof's rate at the same shape, block by block as over a peer; 1 is as fast. */
  ofRoof: z.number().nullable(),
  /** Whether the cell passed in this run, on this build. */
  proved: z.boolean(),
});
export type Timing = z.infer<typeof timingSchema>;

/** What is not timed though it could have been asked for: a kernel at a shape, or what it would stand beside. */
const untimedSchema = z.strictObject({
  machine: machineIndex,
  op: z.enum(ops),
  dtype: z.enum(floatDtypes),
  shape: z.string(),
  size: z.string(),
  /** null: the roof. */
  kernel: z.strictObject({ provider: z.string(), kernel: z.string(), tier: z.string() }).nullable(),
  /** One line on why. */
  reason: z.string(),
  /** About how many nanoseconds a call takes, where that is why. */
  takes: z.number().nullable(),
});
export type Untimed = z.infer<typeof untimedSchema>;

/** What became of a failure file that was kept, when it was asked again. */
export const outcomes = ['held', 'failed', 'not-asked'] as const;

const regressionSchema = z.strictObject({
  ...cellKey,
  machine: machineIndex,
  /** Name of the failure file, in the folder of regressions. */
  file: z.string(),
  property: z.string(),
  outcome: z.enum(outcomes),
  /** One line on why it was not asked. */
  reason: z.string().optional(),
});
export type Regression = z.infer<typeof regressionSchema>;

const mishapSchema = z.strictObject({
  op: z.enum(ops),
  /** What was being done: `cases 64 to 71`. */
  during: z.string(),
  /** What was thrown, and where. */
  message: z.string(),
  /** Nothing failed: the user wanted no more. */
  interrupted: z.literal(true).optional(),
});

/** How a planted bug was found first. */
const killedSchema = z.strictObject({
  property: z.string(),
  message: z.string(),
  /** Cases of the sequence up to the one that showed it. */
  cases: count,
  /** From the first case on, in an engine that is running already. */
  milliseconds: z.number().nonnegative(),
});
export type Killed = z.infer<typeof killedSchema>;

const auditRowSchema = z.strictObject({
  op: z.enum(ops),
  kernel: z.string(),
  tier: z.string(),
  /** The row of the bug catalogue that it is; null: of none. */
  row: z.string().nullable(),
  bug: z.string(),
  trigger: z.string(),
  /** The property that was to find it. */
  expected: z.string(),
  killed: killedSchema.nullable(),
  /** Cases that it was asked; 0: this machine cannot run it. */
  cases: count,
  /** Why no property can find it; absent: one must. */
  survives: z.string().optional(),
});
export type AuditRow = z.infer<typeof auditRowSchema>;

/** An audit of the harness: planted bugs, hunted one by one. The cells of its run are those of correct kernels. */
const auditSchema = z.strictObject({
  /** Seconds for each kernel. */
  budgetSeconds: z.number().positive(),
  rows: z.array(auditRowSchema),
  /** What the kernels in `cells` are. */
  correct: z.array(
    z.strictObject({ op: z.enum(ops), kernel: z.string(), tier: z.string(), form: z.string() }),
  ),
});
export type Audit = z.infer<typeof auditSchema>;

/** What was asked: enough to ask it again. */
const commandSchema = z.strictObject({
  line: z.string(),
  seed: count,
  cases: count.nullable(),
  budgetSeconds: z.number().nullable(),
});

const machineSchema = z.strictObject({
  model: z.string(),
  /** The program that plays this CPU, with its version; absent: the CPU is there. */
  emulator: z.string().optional(),
  vendor: z.string(),
  cores: count,
  memoryBytes: count,
  system: z.string(),
  node: z.string(),
  features: z.array(z.string()),
  /** Register state that the OS saves: XCR0, hexadecimal; null where there is none. */
  xcr0: z.string().nullable(),
  /** Sizes in bytes: L1d, L2, L3 as CPUID tells them. */
  caches: z.array(z.strictObject({ name: z.string(), bytes: count })),
  /** Tiers that this machine can run, and why not where it can't. */
  tiers: z.array(z.strictObject({ tier: z.string(), available: z.boolean(), why: z.string() })),
});
export type Machine = z.infer<typeof machineSchema>;

const partSchema = z.strictObject({
  /** SHA-256 of its document: by this it is not taken in twice. */
  digest: z.string(),
  started: z.iso.datetime(),
  seconds: z.number(),
  command: commandSchema,
});

const documentSchema = z.strictObject({
  version: z.literal(runVersion),
  tool: z.strictObject({ version: z.string(), commit: z.string().nullable() }),
  started: z.iso.datetime(),
  seconds: z.number(),
  command: commandSchema,
  /**
   * Where it was made, and behind that the machines that were emulated there; a merge has the same for each of its
   * parts, in the same order.
   */
  machines: z.array(machineSchema).min(1),
  /** The runs that were merged into this one; empty: it was made by itself. */
  parts: z.array(partSchema),
  providers: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      build: z.string(),
      path: z.string().nullable(),
      /** Kernels of its table that the run was told to leave out. */
      leftOut: z.array(z.strictObject({ op: z.enum(ops), kernel: z.string(), tier: z.string() })),
      /** The run is about its subjects; peers are compared with, and stand apart. */
      role: z.enum(roles),
    }),
  ),
  cells: z.array(cellSchema),
  findings: z.array(findingSchema),
  /** Failures of old that were asked again, before anything else. */
  regressions: z.array(regressionSchema),
  /**
   * What the harness itself failed at, which says nothing of any kernel: what was seen before stands in the run, and
   * no run that has one is green. Older documents do not tell.
   */
  mishaps: z.array(mishapSchema).default([]),
  /** How often the edges of every dimension were reached. */
  edges: z.array(z.strictObject({ op: z.enum(ops), dimension: z.string(), edge: z.string(), cases: count })),
  /** What the check did in a second; null where nothing was checked. */
  throughput: z
    .strictObject({
      cases: count,
      seconds: z.number(),
      casesPerSecond: z.number(),
      meanElements: z.number(),
      /** Calls of kernels, all tiers and properties together. */
      calls: count,
      workers: count,
    })
    .nullable(),
  timings: z.array(timingSchema),
  untimed: z.array(untimedSchema),
  /** Absent: it is no audit. */
  audit: auditSchema.optional(),
  /** The roofs, by shape and dtype; `multiply-add` by tier too. */
  ceilings: z.array(
    z.strictObject({
      machine: machineIndex,
      shape: z.string(),
      size: z.string(),
      dtype: z.enum(floatDtypes),
      roof: z.enum(roofs),
      tier: z.string().nullable(),
      median: z.number(),
      /** Gigabytes or billions of operations a second. */
      rate: z.number(),
    }),
  ),
});
/** One run. */
export type Run = z.infer<typeof documentSchema>;

/** Names a cell in one string. */
export function cellName(
  key: Readonly<Record<'provider' | 'op' | 'kernel' | 'tier' | 'dtype', string>>,
): string {
  return `${key.provider}/${key.op}/${key.kernel}/${key.tier} ${key.dtype}`;
}

/** How many kernels cells are of. */
export function kernelsOf(cells: readonly Cell[]): number {
  return new Set(cells.map(cell => cellName({ ...cell, dtype: '' }))).size;
}

/** What shapes alone do not say: names are there once, indices point at something. */
export const runSchema = documentSchema.superRefine((run, context) => {
  const complain = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  const once = (path: string, names: readonly string[]) => {
    const seen = new Set<string>();
    for (const [i, name] of names.entries()) {
      if (seen.has(name)) complain([path, i], `${name} is there twice`);
      seen.add(name);
    }
  };
  const onMachine = (path: (string | number)[], machine: number) => {
    if (machine >= run.machines.length) complain(path, `the run has ${run.machines.length} machines`);
  };
  once(
    'providers',
    run.providers.map(provider => provider.name),
  );
  once('cells', run.cells.map(cellName));
  once(
    'parts',
    run.parts.map(part => part.digest),
  );
  const held = new Set(run.cells.map(cellName));
  run.findings.forEach((finding, i) => {
    if (!held.has(cellName(finding))) complain(['findings', i], `the run has no cell ${cellName(finding)}`);
  });
  run.cells.forEach((cell, i) => {
    for (const [j, machine] of cell.machines.entries()) onMachine(['cells', i, 'machines', j], machine);
  });
  for (const list of ['findings', 'regressions', 'timings', 'untimed', 'ceilings'] as const) {
    run[list].forEach(({ machine }, i) => {
      onMachine([list, i, 'machine'], machine);
    });
  }
  const real = run.machines.filter(machine => machine.emulator === undefined).length;
  if (run.parts.length > 0 && run.parts.length !== real) {
    complain(
      ['parts'],
      `a merge has one machine for each part, beside emulated ones, here ${real} for ${run.parts.length}`,
    );
  }
});

/** Whether a cell was executed, but on emulated machines alone. */
export function isEmulated({ machines }: Run, cell: Cell): boolean {
  return cell.machines.length > 0 && cell.machines.every(machine => machines[machine].emulator !== undefined);
}

/** The tiers of a run's machines: available where one of them has it. What is emulated is not there. */
export function machineTiers({ machines }: Run): Machine['tiers'] {
  const all = machines.filter(machine => !machine.emulator).flatMap(machine => machine.tiers);
  return [...new Set(all.map(({ tier }) => tier))].map(
    tier => all.find(t => t.tier === tier && t.available) ?? all.find(t => t.tier === tier)!,
  );
}

/** Whether a cell, finding or timing of a run is about a peer. */
export function isPeers({ providers }: Run, { provider }: { readonly provider: string }): boolean {
  return providers.some(({ name, role }) => name === provider && role === 'peer');
}
