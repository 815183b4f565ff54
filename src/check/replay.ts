/** Runs a failure file again. */

import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { cellDtype } from '../case/case.ts';
import type { FloatDtype } from '../case/dtype.ts';
import { emulator } from '../providers/cpu.ts';
import { emulatorVersion, getEmulator } from '../providers/emulated.ts';
import {
  type Kernel,
  kernelId,
  type LoadedProvider,
  libraryAt,
  load,
  providerNamed,
  whyUnavailable,
} from '../providers/provider.ts';
import { UsageError } from '../usage-error.ts';
import { askAgain } from './ask-again.ts';
import { examined } from './examine.ts';
import { Examiner } from './examiner.ts';
import type { Failure } from './failure-file.ts';
import type { Lab } from './lab.ts';
import { propertiesOf } from './properties.ts';
import type { Breach } from './property.ts';

/** What came of it. */
export interface Replayed {
  readonly kernel: Kernel;
  readonly provider: LoadedProvider;
  /** The property, or another one that is broken instead; undefined: it was asked, and holds. */
  readonly breach: Breach | undefined;
}

/**
 * Asks the failure's property of its kernel again.
 *
 * @param options.library - another shared object than the one that the file names.
 * @param options.inspect - called with the lab afterwards, before its memory is given back.
 * @throws UsageError when the kernel is not there, can't run here, or can't be asked this.
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
  const found = path === null ? providerNamed(wanted.provider) : libraryAt(path);
  if (!found) throw new UsageError(`no provider is known as "${wanted.provider}"`);
  const provider = load(found);
  const kernel = provider.kernels.find(
    ({ op, name, tier }) => op === wanted.op && name === wanted.name && tier === wanted.tier,
  );
  if (!kernel)
    throw new UsageError(`${provider.name} has no kernel ${wanted.op}/${wanted.name}/${wanted.tier}`);
  const { emulated } = failure;
  if (emulated && options.inProcess)
    throw new UsageError(`it fails on an emulated ${emulated}, which takes a process of its own`);
  if (emulated && emulatorVersion() === null)
    throw new UsageError(`it fails on an emulated ${emulated}, and ${emulator} is not there: ${getEmulator}`);
  if (!kernel.available && !emulated)
    throw new UsageError(`${kernelId(kernel)} cannot run: ${whyUnavailable(provider, kernel)}`);
  const kernels = provider.kernels.filter(
    candidate => candidate.op === c.op && (candidate.available || candidate === kernel),
  );
  const examiner = new Examiner({
    providers: [provider],
    kernels: kernels.map(kernelId),
    dtypes: [cellDtype(c) as FloatDtype],
    seed: failure.found.seed,
    properties: null,
    inProcess: options.inProcess,
    ...(emulated && { cpu: { is: 'emulated', model: emulated } }),
  });
  try {
    requireProperty(failure);
    const again = askAgain(examiner, kernel, c, property);
    options.inspect?.(examiner.lab, kernel);
    if (again.is === 'not-asked') {
      throw new UsageError(`nothing is proved: ${again.why}, so "${property}" was not asked`);
    }
    return { kernel, provider, breach: again.is === 'failed' ? again.breach : undefined };
  } finally {
    examiner.close();
  }
}

/** @throws UsageError where no property of the op has the failure's name. */
export function requireProperty({ property, case: c }: Failure): void {
  const known = [...Object.keys(examined), ...propertiesOf(c.op).map(({ name }) => name)];
  if (known.includes(property)) return;
  throw new UsageError(`there is no property "${property}" of ${c.op}; there is ${known.join(', ')}`);
}
