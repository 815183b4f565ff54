/**
 * Joins runs of the same kernels from several machines into one run, which gates and reports read like any other.
 * A cell that was executed on any machine is executed, a failure anywhere is a failure, and evidence adds up.
 */

import { createHash } from 'node:crypto';
import { UsageError } from '../usage-error.ts';
import { type Cell, cellName, type Run, runSchema, type Verdict } from './document.ts';

/** A run, and what to call it in a message: its file. */
export interface Source {
  readonly name: string;
  readonly run: Run;
}

/** Which of two verdicts stands: the one that says more of what was executed, a failure first. */
const strength: readonly Verdict[] = ['fail', 'pass', 'unsupported', 'not-run', 'unavailable'];

/**
 * Joins runs. Merging merges works; the order of machines and parts is that of the sources.
 *
 * @param line - the command line that asks for it.
 * @throws UsageError where two runs are of different builds or tools, or one is there twice.
 */
export function merge(sources: readonly Source[], line: string): Run {
  requireSame(sources);
  const runs = sources.map(({ run }, i) => shifted(run, machinesBefore(sources, i)));
  const [first] = runs;
  const parts = runs.flatMap(run => run.parts);
  const throughputs = runs.flatMap(run => run.throughput ?? []);
  const merged = runSchema.safeParse({
    ...first,
    started: parts.map(part => part.started).sort()[0],
    seconds: sum(parts.map(part => part.seconds)),
    command: {
      line,
      seed: first.command.seed,
      cases: shared(parts.map(part => part.command.cases)),
      budgetSeconds: shared(parts.map(part => part.command.budgetSeconds)),
    },
    tool: { ...first.tool, commit: shared(runs.map(run => run.tool.commit)) },
    machines: runs.flatMap(run => run.machines),
    parts,
    providers: mergedProviders(runs),
    cells: joined(
      runs.flatMap(run => run.cells),
      cellName,
      mergedCell,
    ),
    findings: runs.flatMap(run => run.findings),
    regressions: runs.flatMap(run => run.regressions),
    mishaps: runs.flatMap(run => run.mishaps),
    edges: joined(
      runs.flatMap(run => run.edges),
      ({ op, dimension, edge }) => JSON.stringify([op, dimension, edge]),
      (a, b) => ({ ...a, cases: a.cases + b.cases }),
    ),
    throughput: throughputs.length > 0 ? throughputs.reduce(mergedThroughput) : null,
    timings: runs.flatMap(run => run.timings),
    untimed: runs.flatMap(run => run.untimed),
    ceilings: runs.flatMap(run => run.ceilings),
  } satisfies Run);
  if (merged.success) return merged.data;
  const names = sources.map(source => source.name).join(' and ');
  throw new UsageError(`${names} do not make a run together: ${merged.error.issues[0].message}`);
}

function requireSame(sources: readonly Source[]): void {
  const builds = new Map<string, { build: string; of: string }>();
  const held = new Map<string, string>();
  const [first] = sources;
  for (const { name, run } of sources) {
    if (run.tool.version !== first.run.tool.version) {
      throw new UsageError(
        `${first.name} was made by tierwise ${first.run.tool.version} and ${name} by ${run.tool.version}: ` +
          'run both with one of them',
      );
    }
    for (const { name: provider, build } of run.providers.filter(({ name }) => isThere(run, name))) {
      const other = builds.get(provider);
      if (other && other.build !== build) {
        throw new UsageError(
          `${other.of} and ${name} are runs of different builds of ${provider}: ${other.build} and ${build}`,
        );
      }
      builds.set(provider, { build, of: name });
    }
    for (const { digest, started } of partsOf(run)) {
      const other = held.get(digest);
      if (other)
        throw new UsageError(`${other} and ${name} hold the same run, of ${started}: it counts once`);
      held.set(digest, name);
    }
  }
}

/** Whether a provider could run anything: a peer may be missing on some machines, and has no build there. */
function isThere(run: Run, provider: string): boolean {
  const own = run.cells.filter(cell => cell.provider === provider);
  return own.length === 0 || own.some(cell => cell.verdict !== 'unavailable');
}

/** What a run brings into a merge: its own parts, or itself. */
function partsOf(run: Run): Run['parts'] {
  if (run.parts.length > 0) return run.parts;
  const { started, seconds, command } = run;
  const digest = createHash('sha256').update(JSON.stringify(run)).digest('hex');
  return [{ digest, started, seconds, command }];
}

function machinesBefore(sources: readonly Source[], end: number): number {
  return sum(sources.slice(0, end).map(({ run }) => run.machines.length));
}

/** A run as part of a merge: its machines have `by` others before them. */
function shifted(run: Run, by: number): Run {
  const shift = <T extends { readonly machine: number }>(seen: readonly T[]): T[] =>
    seen.map(one => ({ ...one, machine: one.machine + by }));
  return {
    ...run,
    parts: partsOf(run),
    cells: run.cells.map(cell => ({ ...cell, machines: cell.machines.map(machine => machine + by) })),
    findings: shift(run.findings),
    regressions: shift(run.regressions),
    timings: shift(run.timings),
    untimed: shift(run.untimed),
    ceilings: shift(run.ceilings),
  };
}

/**
 * What was left out everywhere is left out, and what is a subject anywhere is one. The rest of a provider is the
 * same wherever it is there, as its build is.
 */
function mergedProviders(runs: readonly Run[]): Run['providers'] {
  const cells = runs.flatMap(run => run.cells);
  const there = runs.flatMap(run => run.providers.filter(({ name }) => isThere(run, name)));
  return joined(
    runs.flatMap(run => run.providers),
    provider => provider.name,
    (a, b) => ({
      ...(there.find(({ name }) => name === a.name) ?? a),
      role: a.role === 'peer' ? b.role : a.role,
      leftOut: joined([...a.leftOut, ...b.leftOut], JSON.stringify, kernel => kernel),
    }),
  ).map(provider => ({
    ...provider,
    leftOut: provider.leftOut.filter(
      ({ op, kernel, tier }) =>
        !cells.some(
          cell =>
            cell.provider === provider.name && cell.op === op && cell.kernel === kernel && cell.tier === tier,
        ),
    ),
  }));
}

function mergedCell(a: Cell, b: Cell): Cell {
  const [stronger, other] = strength.indexOf(b.verdict) < strength.indexOf(a.verdict) ? [b, a] : [a, b];
  return {
    ...stronger,
    machines: [...a.machines, ...b.machines],
    cases: a.cases + b.cases,
    elements: a.elements + b.elements,
    telling: a.telling + b.telling,
    supported: a.supported + b.supported,
    asked: a.asked + b.asked,
    worst: larger(a.worst, b.worst, worst => worst.ratio),
    precision: larger(a.precision, b.precision, precision => precision),
    properties: joined(
      [...a.properties, ...b.properties],
      property => property.name,
      (p, q) => ({ ...p, held: p.held + q.held, failed: p.failed + q.failed }),
    ),
    executed: [...new Set([...a.executed, ...b.executed])],
    // One digest says that the bits are the same; where they are not, there is none.
    digest: stronger.digest && other.digest ? shared([a.digest, b.digest]) : (a.digest ?? b.digest),
  };
}

type Throughput = NonNullable<Run['throughput']>;

function mergedThroughput(a: Throughput, b: Throughput): Throughput {
  const [cases, seconds] = [a.cases + b.cases, a.seconds + b.seconds];
  return {
    cases,
    seconds,
    casesPerSecond: cases && cases / seconds,
    meanElements: cases && (a.meanElements * a.cases + b.meanElements * b.cases) / cases,
    calls: a.calls + b.calls,
    workers: a.workers + b.workers,
  };
}

/** Values of one key joined into one, in the order of their first appearance. */
function joined<T>(values: readonly T[], keyOf: (value: T) => string, join: (a: T, b: T) => T): T[] {
  const byKey = new Map<string, T>();
  for (const value of values) {
    const key = keyOf(value);
    const before = byKey.get(key);
    byKey.set(key, before === undefined ? value : join(before, value));
  }
  return [...byKey.values()];
}

function larger<T>(a: T | null, b: T | null, of: (value: T) => number): T | null {
  if (a === null || b === null) return a ?? b;
  return of(b) > of(a) ? b : a;
}

/** What all have; null where they differ. */
function shared<T>(values: readonly (T | null)[]): T | null {
  return values.every(value => value === values[0]) ? values[0] : null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
