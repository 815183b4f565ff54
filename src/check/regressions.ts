/** Failures of old: files of findings that were mended, each asked again before anything else. */

import { join } from 'node:path';
import { cellDtype, outputElements } from '../case/case.ts';
import type { FloatDtype } from '../case/dtype.ts';
import { type Kernel, kernelId, type LoadedProvider } from '../providers/provider.ts';
import type { Regression } from '../run/document.ts';
import { jsonFilesIn } from '../run/store.ts';
import type { Again } from './ask-again.ts';
import type { Checked } from './check.ts';
import { type Crew, certain } from './crew.ts';
import { count, noEvidence } from './evidence.ts';
import { type Failure, readFailure } from './failure-file.ts';
import { requireProperty } from './replay.ts';

/** A failure file that is kept. */
export interface Kept {
  /** Its name in the folder. */
  readonly file: string;
  readonly path: string;
  readonly failure: Failure;
}

/** What came of one. */
export interface AskedAgain extends Kept {
  readonly again: Again;
}

/**
 * Reads the failure files of a folder.
 *
 * @throws UsageError that names the first that is damaged.
 */
export function readRegressions(folder: string): Kept[] {
  return jsonFilesIn(folder).map(file => {
    const path = join(folder, file);
    const failure = readFailure(path);
    requireProperty(failure);
    return { file, path, failure };
  });
}

/** Asks each of its kernel again, where that one is among those that are checked. */
export async function askRegressions(
  crew: Crew,
  kept: readonly Kept[],
  providers: readonly LoadedProvider[],
  kernels: readonly Kernel[],
): Promise<AskedAgain[]> {
  const subjects = kept.map(one => subjectOf(one.failure, providers, kernels));
  const able = kept.flatMap((one, i) =>
    typeof subjects[i] === 'string' ? [] : [{ ...one, kernel: subjects[i] }],
  );
  const tasks = able.map(
    ({ kernel, failure: { case: c, property } }) =>
      ({ do: 'again', kernel: kernelId(kernel), case: c, property }) as const,
  );
  const answers = certain(await crew.all(tasks));
  const answered = new Map(able.map(({ file }, i) => [file, answers[i]]));
  return kept.map((one, i) => ({
    ...one,
    again: answered.get(one.file) ?? { is: 'not-asked', why: String(subjects[i]) },
  }));
}

/** The kernel that a failure is of; a line on why there is none to ask. */
function subjectOf(
  { kernel: { provider, op, name, tier }, emulated }: Failure,
  providers: readonly LoadedProvider[],
  kernels: readonly Kernel[],
): Kernel | string {
  if (emulated) return `it was found on an emulated ${emulated}: tierwise replay asks it there`;
  const own = providers.find(candidate => candidate.name === provider);
  if (!own) return `${provider} is not in this run`;
  const id = kernelId({ provider, op, name, tier });
  const known = own.kernels.find(candidate => kernelId(candidate) === id);
  if (!known) return `${provider} has no kernel ${op}/${name}/${tier}`;
  if (!known.available) return `this machine cannot run ${tier}`;
  return kernels.find(candidate => kernelId(candidate) === id) ?? `${id} is left out of this run`;
}

/** Adds what regressions showed to what a check saw: one that fails again is a finding. */
export function addRegressions(checked: Checked, asked: readonly AskedAgain[]): void {
  for (const { again, failure, path } of asked) {
    if (again.is === 'not-asked') continue;
    const { kernel, property, case: c, found } = failure;
    const dtype = cellDtype(c) as FloatDtype;
    const id = kernelId(kernel);
    const evidence = checked.evidence.get(`${id}#${dtype}`) ?? noEvidence();
    checked.evidence.set(`${id}#${dtype}`, evidence);
    const breach = again.is === 'failed' ? again.breach : null;
    count(evidence, breach?.property ?? property, breach === null);
    if (!breach) continue;
    const elements = outputElements(c);
    const shrunk = { case: c, breach, steps: 0, runs: 1, fromElements: elements, toElements: elements };
    checked.found.push({ op: c.op, sighting: { kernel: id, dtype, k: found.k, breach }, shrunk, file: path });
    if (breach.fatal) checked.died.add(id);
  }
}

/** The same as the run document holds it. */
export function regressionsOf(asked: readonly AskedAgain[]): Regression[] {
  return asked.map(({ file, failure: { kernel, property, case: c }, again }) => ({
    provider: kernel.provider,
    op: kernel.op,
    kernel: kernel.name,
    tier: kernel.tier,
    dtype: cellDtype(c) as FloatDtype,
    machine: 0,
    file,
    property,
    outcome: again.is,
    ...(again.is === 'not-asked' && { reason: again.why }),
  }));
}
