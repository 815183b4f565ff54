/** Evidence that is too thin, or about something else. */

import type { LeastEvidence } from '../config/config.ts';
import { type Cell, cellName, isEmulated, type Run } from '../run/document.ts';

const whole = (n: number) => n.toLocaleString('en-US');
const percent = (share: number) => `${(100 * share).toFixed(1).replace(/\.0$/, '')} %`;

/** What is weighed of a cell, and how it is said. */
const measures: Readonly<
  Record<'cases' | 'elements' | 'supported', { of: (cell: Cell) => number; number: (n: number) => string }>
> = {
  cases: { of: cell => cell.cases, number: whole },
  elements: { of: cell => cell.elements, number: whole },
  supported: { of: cell => cell.supported / cell.asked, number: percent },
};

/** What a cell that passed lacks. */
export function thinCell(run: Run, cell: Cell, least: LeastEvidence): string[] {
  const emulated =
    isEmulated(run, cell) && !least.emulated ? ['thin: executed on an emulated CPU alone'] : [];
  const asked = (name: string) => cell.properties.some(p => p.name === name && p.held + p.failed > 0);
  const never = least.properties.filter(name => !asked(name)).map(name => `thin: never asked for ${name}`);
  const few = (Object.keys(measures) as (keyof typeof measures)[])
    .filter(what => !(measures[what].of(cell) >= least[what]))
    .map(what => {
      const { of, number } = measures[what];
      return `thin: ${number(of(cell))} ${what}, at least ${number(least[what])} wanted`;
    });
  return [...emulated, ...few, ...never];
}

/** Ops on whose edges too few cases stood. */
export function thinEdges(run: Run, ops: ReadonlySet<string>, least: number): string[] {
  if (least === 0) return [];
  return [...ops].flatMap(op => {
    const all = run.edges.filter(edge => edge.op === op);
    const never = all.filter(edge => edge.cases === 0);
    const reached = all.length === 0 ? 0 : 1 - never.length / all.length;
    if (reached >= least) return [];
    const some = never.slice(0, 5).map(({ dimension, edge }) => `${dimension}: ${edge}`);
    const names = some.length > 0 ? `; never: ${some.join(', ')}${never.length > 5 ? ', ...' : ''}` : '';
    return [
      `thin: ${op} reached ${all.length - never.length} of ${all.length} edges, at least ${percent(least)} wanted${names}`,
    ];
  });
}

/** Libraries that have been built anew since, or that the run never saw. */
export function staleBuilds(run: Run, builds: ReadonlyMap<string, string>): string[] {
  const seen = run.providers.map(provider => provider.build);
  return [...builds]
    .filter(([, build]) => !seen.includes(build))
    .map(([path, build]) => `the run is not of ${path} as it is now (build ${build}): run again`);
}

/** Failures of old that should have been asked again and were not. */
export function missingReplays(run: Run, files: readonly string[], required: ReadonlySet<string>): string[] {
  const never = files
    .filter(file => !run.regressions.some(regression => regression.file === file))
    .map(file => `regression ${file} was not asked again: the run does not know it`);
  const unable = run.regressions
    .filter(one => one.outcome === 'not-asked' && required.has(cellName(one)))
    // On one machine of several is enough.
    .filter(one => !run.regressions.some(({ file, outcome }) => file === one.file && outcome !== 'not-asked'))
    .map(({ file, reason }) => `regression ${file} was not asked again: ${reason ?? 'nobody says why'}`);
  return [...never, ...new Set(unable)];
}
