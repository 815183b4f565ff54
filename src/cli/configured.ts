/** Options of a check together with its config: what the command line says wins. */

import { loadConfig } from '../config/load.ts';
import type { CheckOptions } from './commands/check.ts';
import { seconds } from './options.ts';

/** What the config adds that has no option. */
export interface Kept {
  /** Folder of failure files to be asked again. */
  regressions?: string;
  /** Folder of case files. */
  ownCases?: string;
}

/** The options, and from the config what they leave open. */
export async function configured<T extends CheckOptions>(options: T): Promise<T & Kept> {
  const { settings } = await loadConfig(options.config, process.cwd());
  const { libraries, providers, seed, cases, budget, regressions, ownCases } = settings;
  const ownKernels = options.library === undefined && options.provider === undefined;
  const ownLength = options.cases === undefined && options.budget === undefined;
  return {
    ...(ownKernels && libraries && { library: libraries }),
    ...(ownKernels && providers && { provider: providers }),
    ...(seed !== undefined && { seed }),
    ...(ownLength && cases !== undefined && { cases }),
    ...(ownLength && budget !== undefined && { budget: seconds(budget) }),
    ...(regressions && { regressions }),
    ...(ownCases && { ownCases }),
    ...options,
  };
}
