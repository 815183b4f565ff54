/** Runs a failure file again. */

import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { cellDtype } from '../case/case.ts';
import type { FloatDtype } from '../case/dtype.ts';
import {
  type Kernel,
  kernelId,
  type LoadedProvider,
  libraryAt,
  load,
  native,
} from '../providers/provider.ts';
import { UsageError } from '../usage-error.ts';
import { Examiner } from './examiner.ts';
import type { Failure } from './failure-file.ts';
import type { Lab } from './lab.ts';
import type { Breach } from './property.ts';

/** What came of it. */
export interface Replayed {
  readonly kernel: Kernel;
  readonly provider: LoadedProvider;
  /** undefined: the property holds now. */
  readonly breach: Breach | undefined;
}

/**
 * Asks the failure's property of its kernel again.
 *
 * @param options.library - another shared object than the one that the file names.
 * @param options.inspect - called with the lab afterwards, before its memory is given back.
 * @throws UsageError when the kernel is not there, or can't run here.
 */
export function replay(
  failure: Failure,
  options: { inProcess: boolean; library?: string; inspect?: (lab: Lab, kernel: Kernel) => void },
): Replayed {
  const { kernel: wanted, case: c, property } = failure;
  const path = options.library ?? wanted.library;
  if (path !== null && !existsSync(path)) {
    throw new UsageError(
      `the library ${path} is not there: give its place with --library PATH (${basename(path)})`,
    );
  }
  const provider = load(path === null ? native : libraryAt(path));
  const kernel = provider.kernels.find(
    ({ op, name, tier }) => op === wanted.op && name === wanted.name && tier === wanted.tier,
  );
  if (!kernel)
    throw new UsageError(`${provider.name} has no kernel ${wanted.op}/${wanted.name}/${wanted.tier}`);
  if (!kernel.available) throw new UsageError(`this machine cannot run ${kernelId(kernel)}`);
  const kernels = provider.kernels.filter(candidate => candidate.op === c.op && candidate.available);
  const examiner = new Examiner({
    providers: [provider],
    kernels: kernels.map(kernelId),
    dtypes: [cellDtype(c) as FloatDtype],
    seed: failure.found.seed,
    properties: null,
    inProcess: options.inProcess,
  });
  try {
    const breach = examiner.ask(kernel, c, property);
    options.inspect?.(examiner.lab, kernel);
    return { kernel, provider, breach };
  } finally {
    examiner.close();
  }
}
