/**
 * Kernels that say they can run where they can't: `available` is asked on CPUs that are faked, each in a process of
 * its own. Every one of these is a machine that was made, or a system that does not save what the CPU has; so what
 * is found there is no invention. What a kernel needs is told from its code.
 */

import type { Cpu } from './cpu.ts';
import type { Said } from './host.ts';
import type { Need, TableRow } from './protocol.ts';

/** A CPU that is faked. */
interface FakedCpu {
  /** In a sentence: "on ...". */
  readonly name: string;
  /** Features, and registers that are not saved: YMM, ZMM (with the opmasks). */
  readonly lacks: readonly string[];
}

const afterSkylake = [
  ...['AVX512-IFMA', 'AVX512-VBMI', 'AVX512-VBMI2', 'AVX512-VNNI', 'AVX512-BITALG', 'AVX512-VPOPCNTDQ'],
  ...['AVX512-VP2INTERSECT', 'AVX512-FP16', 'AVX512-BF16'],
];
const skylake = ['AVX512BW', 'AVX512DQ', 'AVX512VL', ...afterSkylake];
const avx512 = ['AVX512F', 'AVX512CD', ...skylake];
const afterHaswell = [...avx512, 'AVX-VNNI', 'AVX-IFMA', 'VAES', 'VPCLMULQDQ'];
const haswell = ['AVX2', 'BMI2', ...afterHaswell];
const amd = ['XOP', 'FMA4'];

/** Features: GCC, "x86 Options", -march. */
const fakedCpus: readonly FakedCpu[] = [
  { name: 'this CPU where the system has not enabled XSAVE', lacks: ['OSXSAVE'] },
  { name: 'this CPU where the system does not save YMM registers', lacks: ['YMM', 'ZMM'] },
  { name: 'this CPU where the system does not save ZMM registers and opmasks', lacks: ['ZMM'] },
  { name: 'a CPU without AVX2 (as Piledriver)', lacks: haswell },
  { name: 'a CPU without AVX2 and FMA (as Ivy Bridge)', lacks: ['FMA', 'BMI1', ...haswell, ...amd] },
  { name: 'a CPU with AVX alone (as Sandy Bridge)', lacks: ['F16C', 'FMA', 'BMI1', ...haswell, ...amd] },
  { name: 'a CPU without AVX-512 (as Haswell)', lacks: [...afterHaswell, ...amd] },
  { name: 'a CPU without AVX-512 BW, DQ and VL (as Knights Landing)', lacks: [...skylake, ...amd] },
];

/**
 * What every x86-64 has, and no more: whoever asks CPUID says no here. The system saves what it did, so that a no is
 * CPUID's and nothing else's.
 */
const bare: FakedCpu = {
  name: 'a CPU without AVX',
  lacks: ['AVX', 'F16C', 'FMA', 'BMI1', ...haswell, ...amd],
};

/** A kernel's `available` where it is wrong. */
export interface Overclaim {
  /** In a sentence: "on ...". */
  readonly cpu: string;
  /** yes: it says that it can run; illegal: it executes XGETBV, which is not enabled. */
  readonly said: 'yes' | 'illegal';
  /** What it needs and does not find there, in words. */
  readonly lacks: string;
}

/** Registers that an instruction of a feature has. */
function registersOf(feature: string): string | null {
  if (feature.startsWith('AVX512')) return 'ZMM';
  return /^(AVX|FMA|F16C|XOP)/.test(feature) ? 'YMM' : null;
}

/** What a kernel needs. */
interface Want {
  readonly feature: string;
  readonly words: string;
}

/** What a tier is never without. */
const ofTiers: Readonly<Record<string, string>> = { avx2: 'AVX', avx512: 'AVX512F' };

/** What the code of a row needs where it does not go by the CPU itself; and its tier, whatever its code is seen to be. */
function wantsOf({ tier, code }: TableRow): Want[] {
  const placed = ({ instruction, needs, place }: Need) => ({
    feature: needs,
    words: `${instruction} (${needs}) at ${place} is an illegal instruction there`,
  });
  const feature = ofTiers[tier];
  return [
    ...(code.looksAtCpu ? [] : code.needs.map(placed)),
    ...(feature ? [{ feature, words: `tier ${tier} cannot be executed there` }] : []),
  ];
}

function unmetOn({ lacks }: FakedCpu, wants: readonly Want[]): Want | undefined {
  return wants.find(({ feature }) => {
    const registers = registersOf(feature);
    const lost = registers !== null && (lacks.includes(registers) || lacks.includes('OSXSAVE'));
    return lost || lacks.includes(feature);
  });
}

/** Tiers that every x86-64 runs: what their code has above it is a fault of the code. */
const everywhere: readonly string[] = ['scalar', 'sse2'];

/**
 * Where the kernels of a table overclaim, by row. Nothing is said of one whose answer does not follow the faked
 * CPU (it asks somebody else).
 *
 * @param on - asks rows on a CPU, in a process of its own.
 */
export function overclaims(
  rows: readonly TableRow[],
  on: (cpu: Cpu, rows: readonly number[]) => readonly Said[],
): Overclaim[][] {
  const wants = rows.map(wantsOf);
  const ask = (cpu: FakedCpu, asked: readonly number[]) => {
    const concerned = asked.filter(row => unmetOn(cpu, wants[row]));
    const answers = concerned.length > 0 ? on({ is: 'faked', lacks: cpu.lacks }, concerned) : [];
    return concerned.map((row, i) => ({ row, said: answers[i] }));
  };
  const claiming = [...rows.keys()].filter(row => {
    const { available, tier } = rows[row];
    return available && !everywhere.includes(tier);
  });
  const listening = ask(bare, claiming).filter(
    ({ row, said }) =>
      said === 'no' ||
      (rows[row].code.availableUnasked && !rows[row].code.looksAtCpu && rows[row].code.needs.length > 0),
  );
  const found: Overclaim[][] = rows.map(() => []);
  for (const cpu of fakedCpus) {
    for (const { row, said } of ask(
      cpu,
      listening.map(({ row }) => row),
    )) {
      if (said === 'yes' || said === 'illegal')
        found[row].push({ cpu: cpu.name, said, lacks: unmetOn(cpu, wants[row])!.words });
    }
  }
  return found;
}
