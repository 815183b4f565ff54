/** Tiers that can be emulated, on which CPU, and which kernels run there. */

import { execFileSync } from 'node:child_process';
import type { Cpu } from './cpu.ts';
import { emulator } from './cpu.ts';
import { type Kernel, kernelId, type LoadedProvider, saidOn } from './provider.ts';

/** A CPU under emulation. */
export type Emulated = Extract<Cpu, { is: 'emulated' }>;

/** The least CPU that qemu has for a tier. It knows no AVX-512. */
const leastCpu: Readonly<Record<string, string>> = { scalar: 'Nehalem', sse2: 'Nehalem', avx2: 'Haswell' };

/** The CPU on which a tier is emulated; undefined: on none. */
export function cpuFor(tier: string): Emulated | undefined {
  const model = leastCpu[tier];
  return model === undefined ? undefined : { is: 'emulated', model };
}

/** The tiers that a CPU is emulated for. */
export function tiersOn({ model }: Emulated): string[] {
  return Object.keys(leastCpu).filter(tier => leastCpu[tier] === model);
}

/** The emulator's version; null: it is not there. */
export function emulatorVersion(): string | null {
  try {
    const said = execFileSync(emulator, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return /version (\S+)/.exec(said)?.[1] ?? 'of an unknown version';
  } catch {
    return null;
  }
}

/** How to get it. */
export const getEmulator = 'apt-get install qemu-user';

/** Kernels that run on one emulated CPU. */
export interface Group {
  readonly cpu: Emulated;
  readonly kernels: readonly Kernel[];
}

/** Kernels by the CPU on which their tier is emulated: those of them that say they can run there. */
export function emulable(providers: readonly LoadedProvider[], kernels: readonly Kernel[]): Group[] {
  const models = [...new Set(kernels.flatMap(({ tier }) => cpuFor(tier)?.model ?? []))];
  return models.flatMap(model => {
    const cpu = { is: 'emulated', model } as const;
    const able = providers.flatMap(provider => {
      const own = kernels.filter(
        kernel =>
          kernel.provider === provider.name &&
          kernel.language === undefined &&
          cpuFor(kernel.tier)?.model === model,
      );
      if (own.length === 0) return [];
      const said = saidOn(
        cpu,
        provider,
        own.map(({ index }) => index),
      );
      return own.filter((_, i) => said[i] === 'yes').map(kernel => ({ ...kernel, available: true }));
    });
    return able.length > 0 ? [{ cpu, kernels: able }] : [];
  });
}

/** Providers whose kernels are available where they are emulated. */
export function loadedOn({ kernels }: Group, providers: readonly LoadedProvider[]): LoadedProvider[] {
  const emulated = new Map(kernels.map(kernel => [kernelId(kernel), kernel]));
  return providers.map(provider => ({
    ...provider,
    kernels: provider.kernels.map(kernel => emulated.get(kernelId(kernel)) ?? kernel),
  }));
}
