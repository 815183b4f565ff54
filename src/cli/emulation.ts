/** Which kernels of a run are emulated, and where. */

import { list } from '../../reports/format.ts';
import type { Places } from '../check/ledger.ts';
import { emulator } from '../providers/cpu.ts';
import {
  cpuFor,
  emulable,
  emulatorVersion,
  type Group,
  getEmulator,
  tiersOn,
} from '../providers/emulated.ts';
import { type Kernel, kernelId, type LoadedProvider } from '../providers/provider.ts';
import type { Machine } from '../run/document.ts';
import { emulatedMachine } from '../run/machine.ts';
import { UsageError } from '../usage-error.ts';

/** What is emulated in a run. */
export interface Emulation {
  readonly groups: readonly Group[];
  readonly machines: readonly Machine[];
  readonly places: Places;
  /** The kernels that are, as they are there. */
  readonly kernels: ReadonlyMap<string, Kernel>;
}

export const noEmulation: Emulation = { groups: [], machines: [], places: new Map(), kernels: new Map() };

/** What is to be emulated: the kernels whose tier this machine lacks, or all that can be. */
export function emulationOf(
  what: 'lacking' | 'all',
  providers: readonly LoadedProvider[],
  kernels: readonly Kernel[],
): Emulation {
  const wanted = what === 'all' ? kernels : kernels.filter(kernel => !kernel.available);
  if (!wanted.some(({ tier }) => cpuFor(tier))) {
    if (what === 'lacking') return noEmulation;
    throw new UsageError(`${emulator} has no CPU for ${list([...new Set(wanted.map(({ tier }) => tier))])}`);
  }
  const version = emulatorVersion();
  if (version === null) {
    if (what === 'lacking') return noEmulation;
    throw new UsageError(`${emulator} is not there: ${getEmulator}`);
  }
  const groups = emulable(providers, wanted);
  if (groups.length === 0 && what === 'all')
    throw new UsageError(`no kernel says that it can run under ${emulator} ${version}`);
  return {
    groups,
    machines: groups.map(({ cpu }) => emulatedMachine(cpu.model, `${emulator} ${version}`, tiersOn(cpu))),
    places: new Map(
      groups.flatMap(({ cpu, kernels }, i) =>
        kernels.map(kernel => [kernelId(kernel), { machine: i + 1, emulated: cpu.model }] as const),
      ),
    ),
    kernels: new Map(groups.flatMap(({ kernels }) => kernels.map(kernel => [kernelId(kernel), kernel]))),
  };
}
