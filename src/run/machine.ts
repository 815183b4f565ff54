/** The machine that a run is made on, and which tiers it can run. */

import os from 'node:os';
import { cpuFacts } from '#addon';
import type { Machine } from './document.ts';

/** What a tier needs: CPUID features, and the register state (bits of XCR0) that the OS must save. */
interface Needs {
  readonly features: readonly string[];
  readonly xcr0: bigint;
}

const avx2 = ['avx2', 'fma', 'f16c', 'bmi1', 'bmi2'];

/** XCR0 bits: 1 XMM, 2 YMM, 5-7 opmasks and ZMM, 17-18 AMX tiles (Intel SDM volume 1, 13.3). */
const x86: Readonly<Record<string, Needs>> = {
  scalar: { features: [], xcr0: 0n },
  sse2: { features: ['sse2'], xcr0: 0n },
  avx2: { features: avx2, xcr0: 0b110n },
  avx512: {
    features: [...avx2, 'avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'avx512cd'],
    xcr0: 0b1110_0110n,
  },
  amx: { features: ['amx_tile', 'amx_bf16'], xcr0: 0x60000n },
};

/** Facts of this machine. */
export function thisMachine(): Machine {
  const cpu = cpuFacts();
  return {
    model: cpu.model || os.cpus()[0]?.model || os.arch(),
    vendor: cpu.vendor,
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    features: cpu.features,
    xcr0: cpu.xcr0 ?? null,
    caches: cpu.caches,
    tiers: tiersOf(os.arch(), cpu.features, cpu.xcr0 ?? null),
  };
}

/** A machine that this one emulates. Nothing is known of its features but the tiers that it is there for. */
export function emulatedMachine(model: string, emulator: string, tiers: readonly string[]): Machine {
  const machine = thisMachine();
  return {
    ...machine,
    model: `${model}, emulated`,
    emulator,
    vendor: '',
    features: [],
    xcr0: null,
    caches: [],
    tiers: machine.tiers.map(({ tier }) => {
      const available = tiers.includes(tier);
      return { tier, available, why: available ? '' : `it is not emulated for ${tier}` };
    }),
  };
}

/** Which tiers a machine with these features can run, and why not the others. */
export function tiersOf(arch: string, features: readonly string[], xcr0: string | null): Machine['tiers'] {
  const saved = BigInt(xcr0 ?? 0);
  const tiers = Object.entries(x86).map(([tier, needs]) => {
    if (arch !== 'x64' && tier !== 'scalar')
      return { tier, available: false, why: `this machine is ${arch}` };
    const missing = needs.features.filter(feature => !features.includes(feature));
    if (missing.length > 0) return { tier, available: false, why: `the CPU has no ${missing.join(', ')}` };
    if ((saved & needs.xcr0) !== needs.xcr0) {
      return {
        tier,
        available: false,
        why: `the OS does not save its registers (XCR0 is ${xcr0 ?? 'unreadable'})`,
      };
    }
    return { tier, available: true, why: '' };
  });
  const neon = {
    tier: 'neon',
    available: arch === 'arm64',
    why: arch === 'arm64' ? '' : `this machine is ${arch}`,
  };
  return [...tiers, neon];
}
