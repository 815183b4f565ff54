/** Makes a run: checks, puts on the clock, and writes down what was seen. */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { checkGolden } from '../../reference/golden.ts';
import { counted } from '../../reports/format.ts';
import type { TimedShape } from '../../suites/suite.ts';
import { type Benched, bench } from '../bench/bench.ts';
import type { Pace } from '../bench/pace.ts';
import type { FloatDtype } from '../case/dtype.ts';
import { both, type Checked, check, type Limits } from '../check/check.ts';
import { threads } from '../check/crew.ts';
import { cellsOf, edgesOf, fileFindings } from '../check/ledger.ts';
import { type OwnCases, readOwnCases } from '../check/own-cases.ts';
import { hasSuite, propertiesOf, suiteOf } from '../check/properties.ts';
import {
  type AskedAgain,
  addRegressions,
  askRegressions,
  readRegressions,
  regressionsOf,
} from '../check/regressions.ts';
import { pathWords } from '../path-words.ts';
import { emulator } from '../providers/cpu.ts';
import { type Group, loadedOn } from '../providers/emulated.ts';
import { type Kernel, kernelId } from '../providers/provider.ts';
import { type Cell, isPeers, type Run, runVersion } from '../run/document.ts';
import { thisMachine } from '../run/machine.ts';
import { requireWritable } from '../run/store.ts';
import { commit, version } from '../run/version.ts';
import { UsageError } from '../usage-error.ts';
import { emulationOf, noEmulation } from './emulation.ts';
import { interruptible } from './interruptible.ts';
import type { Selected } from './options.ts';
import { complain, ProgressLine, say } from './terminal.ts';

/** What a run is to do. */
export interface Plan {
  readonly seed: number;
  /** Cases for each op; Infinity: as many as the budget allows. */
  readonly cases: number;
  /** Seconds of checking for each op; null: 3 for each of its kernels, 12 at least. */
  readonly budget: number | null;
  /** Properties to ask of every case; null: those that are due. */
  readonly properties: readonly string[] | null;
  readonly workers: number | null;
  /** Kernels that are run on an emulated CPU: none, those whose tier this machine lacks, or all that can be. */
  readonly emulate: 'none' | 'lacking' | 'all';
  readonly check: boolean;
  /** null: nothing is timed. */
  readonly bench: BenchPlan | null;
  /** Folder of failure files that are asked again first; null: none. */
  readonly regressions: string | null;
  /** Folder of the user's own cases; null: none. */
  readonly ownCases: string | null;
  /** Folder for failure files. */
  readonly failures: string;
  /** Files that will be written of it: what can't be is told before the work. */
  readonly writes: readonly string[];
}

/** How a run times. */
export interface BenchPlan {
  readonly pace: Pace;
  /** Without the shapes that take long. */
  readonly quick: boolean;
  /** Only shapes that have one of these words in their name or size; null: all. */
  readonly shapes: readonly string[] | null;
}

/** Seconds of checking where nothing else is said: for each kernel, and for few ones of an op together. */
const unaskedSeconds = { perKernel: 3, atLeast: 12 };

/** How long a check lasts, behind a comma. */
function inWords(seconds: Limits['seconds']): string {
  if (typeof seconds !== 'number')
    return `, ${seconds.perKernel} s a kernel and ${seconds.atLeast} s an op at least`;
  return seconds === Infinity ? '' : `, ${seconds} s an op`;
}

/** Generated things, beside whatever the command is run in. */
export const outputFolder = '.tierwise';

export async function makeRun({ providers, kernels, dtypes, peers }: Selected, plan: Plan): Promise<Run> {
  const started = new Date();
  trustReference();
  if (kernels.length === 0) throw new UsageError(whyNone(providers));
  const known = kernels.filter(kernel => hasSuite(kernel.op));
  if (known.length === 0)
    throw new UsageError(`there is no suite yet for ${[...new Set(kernels.map(k => k.op))].join(', ')}`);
  requireProperties(plan.properties, known);
  requireShapes(plan.bench?.shapes ?? null, known);
  const kept = plan.check && plan.regressions ? readRegressions(plan.regressions) : [];
  const own = plan.ownCases ? readOwnCases(plan.ownCases) : {};
  requireRoom(plan.cases, own);
  for (const path of [...plan.writes, join(plan.failures, 'failure.json')]) requireWritable(path);
  const emulation =
    plan.check && plan.emulate !== 'none' ? emulationOf(plan.emulate, providers, known) : noEmulation;
  const able = plan.emulate === 'all' ? [] : known.filter(kernel => kernel.available);
  const progress = new ProgressLine();
  let asked: AskedAgain[] = [];
  /** Checks kernels here, or on the emulated CPU of a group. */
  const checkIn = async (
    kernels: readonly Kernel[],
    group: Group | null,
    stop: AbortSignal,
  ): Promise<Checked> => {
    const unasked = plan.cases === Infinity ? unaskedSeconds : Infinity;
    const limits: Limits = {
      cases: plan.cases,
      seconds: plan.budget ?? unasked,
      ...(group && { shortWaves: true }),
      stop,
    };
    const where = group ? `, on an emulated ${group.cpu.model}` : '';
    say(
      `checking ${counted(kernels.length, 'kernel')} against float64${where}, seed ${plan.seed}${inWords(limits.seconds)}`,
    );
    const crew = threads(
      {
        providers: group ? loadedOn(group, providers) : providers,
        kernels: kernels.map(kernelId),
        dtypes,
        seed: plan.seed,
        properties: plan.properties,
        own,
        inProcess: false,
        ...(group && { cpu: group.cpu }),
      },
      plan.workers ?? availableParallelism(),
    );
    try {
      if (!group) asked = await askRegressions(crew, kept, providers, able);
      const own = await check(crew, kernels, dtypes, limits, ({ op, cases, findings, seconds }) => {
        progress.show(`${op}: ${cases} cases in ${seconds.toFixed(0)} s, ${findings || 'no'} findings`);
      });
      if (!group) addRegressions(own, asked);
      return own;
    } finally {
      progress.done();
      await crew.close();
    }
  };
  const checked = await interruptible(async (stop): Promise<Checked | null> => {
    let sum = plan.check && able.length > 0 ? await checkIn(able, null, stop) : null;
    for (const group of emulation.groups) {
      const emulated = await checkIn(group.kernels, group, stop);
      sum = sum ? both(sum, emulated) : emulated;
    }
    return sum;
  });
  const cells = cellsOf(
    providers,
    known.map(kernel => emulation.kernels.get(kernelId(kernel)) ?? kernel),
    dtypes,
    checked,
    plan.seed,
    own,
    emulation.places,
  ).map(cell =>
    plan.emulate === 'all' && cell.asked === 0 && !emulation.kernels.has(idOf(cell))
      ? { ...cell, reason: `${emulator} has no CPU for ${cell.tier} on which it says that it can run` }
      : cell,
  );
  const verdictOn = (kernel: Kernel, dtype: FloatDtype) =>
    cells.find(cell => cell.dtype === dtype && idOf(cell) === kernelId(kernel))?.verdict;
  // A kernel that takes its process with it has no place on the clock.
  let benched: Benched = { timings: [], ceilings: [], untimed: [] };
  if (plan.bench) {
    const { pace, quick, shapes } = plan.bench;
    say('timing, beside what the machine could do at best');
    benched = bench(
      providers,
      able.filter(kernel => !checked?.died.has(kernelId(kernel))),
      {
        dtypes,
        shapes: shape => isWanted(shape, shapes),
        leaveOut: ({ long }) => (quick && long ? 'it takes long, and this is a quick run' : null),
        pace,
        seed: plan.seed,
        verdictOn,
        onProgress: what => progress.show(what),
      },
    );
    progress.done();
  }
  const folder = pathWords(plan.failures);
  return {
    version: runVersion,
    tool: { version, commit: commit() },
    started: started.toISOString(),
    seconds: (Date.now() - started.getTime()) / 1000,
    command: {
      line: ['tierwise', ...process.argv.slice(2)].join(' '),
      seed: plan.seed,
      cases: Number.isFinite(plan.cases) ? plan.cases : null,
      budgetSeconds: plan.budget,
    },
    machines: [thisMachine(), ...emulation.machines],
    parts: [],
    providers: providers.map(({ name, version, build, path, kernels: all }) => {
      const leftOut = all.filter(kernel => !known.includes(kernel));
      return {
        name,
        version,
        build,
        path,
        leftOut: leftOut.map(({ op, name, tier }) => ({ op, kernel: name, tier })),
        role: peers.includes(name) ? 'peer' : 'subject',
      };
    }),
    cells,
    findings: checked
      ? fileFindings(
          checked.found,
          providers,
          known,
          plan.seed,
          folder,
          error => complain(`${error.message}; the run document holds its case`),
          emulation.places,
        )
      : [],
    regressions: regressionsOf(asked),
    mishaps: checked?.mishaps ?? [],
    edges: checked ? edgesOf(checked) : [],
    throughput: checked && {
      cases: checked.cases,
      seconds: checked.seconds,
      casesPerSecond: checked.cases && checked.cases / checked.seconds,
      meanElements: checked.cases ? checked.elements / checked.cases : 0,
      calls: checked.calls,
      workers: plan.workers ?? availableParallelism(),
    },
    ...benched,
  };
}

function idOf(cell: Cell): string {
  return kernelId({ ...cell, name: cell.kernel });
}

/** The same, and 2 where the harness failed: at a task, or at writing the failure file of a finding. */
export function exitCodeOf(run: Run): 0 | 1 | 2 {
  const whole = run.mishaps.length === 0 && run.findings.every(({ file }) => existsSync(file));
  return whole ? exitCode(run) : 2;
}

/**
 * 0: some cell is proved and none is wrong; 1: a finding, a cell that ran and proved nothing, or no proof at all.
 * Peers do not count.
 */
export function exitCode(run: Run): 0 | 1 {
  const wrong = run.cells.some(
    cell =>
      !isPeers(run, cell) && (cell.verdict === 'fail' || (cell.verdict === 'not-run' && cell.cases > 0)),
  );
  const proved = run.cells.some(cell => !isPeers(run, cell) && cell.verdict === 'pass');
  return wrong || !proved || run.findings.some(finding => !isPeers(run, finding)) ? 1 : 0;
}

function requireRoom(cases: number, own: OwnCases): void {
  for (const [op, { length }] of Object.entries(own)) {
    if (length > cases) throw new UsageError(`${cases} cases are less than your own of ${op}: ${length}`);
  }
}

/** Where a run is kept when nothing is said: the newest one. */
export const defaultRunFile = join(outputFolder, 'run.json');

function trustReference(): void {
  const wrong = checkGolden();
  if (wrong.length > 0) throw new Error(`the reference disagrees with its golden vectors: ${wrong[0]}`);
}

/** Whether a shape has one of some words in its name or size. */
function isWanted({ name, size }: TimedShape, words: readonly string[] | null): boolean {
  return words === null || words.some(word => `${name} ${size}`.toLowerCase().includes(word.toLowerCase()));
}

function requireShapes(words: readonly string[] | null, kernels: readonly Kernel[]): void {
  const there = [...new Set(kernels.map(({ op }) => op))].flatMap(op => suiteOf(op).shapes);
  for (const word of words ?? []) {
    if (there.some(shape => isWanted(shape, [word]))) continue;
    throw new UsageError(`no shape has "${word}" in its name or size; tierwise list --shapes shows them all`);
  }
}

/** Filters that leave nothing one by one are refused before; together they may still exclude each other. */
function whyNone(providers: Selected['providers']): string {
  const empty = providers.filter(provider => provider.kernels.length === 0);
  if (empty.length < providers.length) return 'no kernel is left to look at: the filters exclude each other';
  return empty
    .map(({ name, foreign }) => `${name} has no kernel of an op known here, but ${foreign.join(', ')}`)
    .join('; ');
}

function requireProperties(wanted: readonly string[] | null, kernels: readonly Kernel[]): void {
  if (!wanted) return;
  const known = new Set(kernels.flatMap(kernel => propertiesOf(kernel.op).map(property => property.name)));
  const unknown = wanted.find(name => !known.has(name));
  if (unknown) throw new UsageError(`there is no property "${unknown}"; there is ${[...known].join(', ')}`);
}
