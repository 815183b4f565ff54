/** Dispatch: a kernel's code is of its tier, and `available` says no where it can't run. */

import type { Need } from '../providers/protocol.ts';
import type { Kernel } from '../providers/provider.ts';
import type { Breach, Property } from './property.ts';

/**
 * Needs no run of its own: it is told from the code that direct calls and jumps lead to, from what `available`
 * answered on faked CPUs when the kernel was loaded, and from how the case's run ended. What a kernel does that
 * looks at the CPU itself depends on the CPU, and is no finding.
 */
export const codeIsOfItsTier: Property = {
  name: 'dispatch',
  says: "no instruction in the kernel's code needs more of the CPU than its tier has, and available() says no where one can't be executed",
  ask: ({ kernel, case: c, lab }) => {
    const { code, tier, overclaims } = kernel;
    const outcome = lab.run(kernel, c);
    if (outcome.is === 'died' && outcome.unknownTo) return [unknownInstruction(outcome.unknownTo)];
    if (code.instructions === 0 || (code.looksAtCpu && code.foreign.length > 0)) return 'does not apply';
    if (code.foreign.length > 0) {
      const shown = code.foreign.slice(0, 4).map(placed);
      return [
        breach(
          `code of tier ${tier} has instructions above it, which a CPU of that tier does not know: ${shown.join('; ')}`,
        ),
      ];
    }
    return overclaims.length > 0 ? [breach(overclaimText(kernel))] : 'held';
  },
};

/** A call ended where an emulated CPU met an instruction that it does not know. */
export function unknownInstruction(cpu: string): Breach {
  const message = `the call ends at an instruction that is illegal on the emulated CPU, ${cpu}: one above the tier, or a trap`;
  return { ...breach(message), fatal: 'crash' };
}

function breach(message: string): Breach {
  return { property: 'dispatch', message, elements: [] };
}

function placed({ instruction, needs, place }: Need): string {
  return `${instruction} (${needs}) at ${place}`;
}

function overclaimText({ overclaims, code }: Pick<Kernel, 'overclaims' | 'code'>): string {
  const [{ cpu, said, lacks }, ...others] = overclaims;
  const on = others.length > 0 ? `${cpu}, and on ${others.length} more CPUs without what it needs` : cpu;
  if (said === 'illegal') {
    return `available() executes XGETBV on ${on}: an illegal instruction there (CPUID's bit OSXSAVE says so)`;
  }
  const how = code.availableUnasked ? 'says yes without asking the CPU, also' : 'says yes';
  return `available() ${how} on ${on}: ${lacks}`;
}
