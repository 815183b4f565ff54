/** Dispatch: a kernel's code is of its tier. */

import type { Property } from './property.ts';

/**
 * Needs no run: it is told from the code that direct calls and jumps lead to. What a kernel does that looks at
 * the CPU itself depends on the CPU, and is no finding.
 */
export const codeIsOfItsTier: Property = {
  name: 'dispatch',
  says: "no instruction in the kernel's code needs more of the CPU than its tier has",
  ask: ({ kernel: { code, tier } }) => {
    if (code.instructions === 0 || (code.looksAtCpu && code.foreign.length > 0)) return 'does not apply';
    if (code.foreign.length === 0) return 'held';
    const shown = code.foreign
      .slice(0, 4)
      .map(({ instruction, needs, place }) => `${instruction} (${needs}) at ${place}`);
    const message = `code of tier ${tier} has instructions above it, which a CPU of that tier does not know: ${shown.join('; ')}`;
    return [{ property: 'dispatch', message, elements: [] }];
  },
};
