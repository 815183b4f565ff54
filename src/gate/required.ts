/** What is required of a run: its config's rows, multiplied out to cells. */

import { floatDtypes } from '../case/dtype.ts';
import type { Requirement } from '../config/config.ts';
import { type Cell, machineTiers, type Run } from '../run/document.ts';

/** Stands for any name: whichever kernel it were, there is none. */
export const any = '*';

/** Names of a cell that must be there. */
export interface Required {
  readonly provider: string;
  readonly op: string;
  readonly kernel: string;
  readonly tier: string;
  readonly dtype: Cell['dtype'];
}

/** A kernel that a run knows of, asked or left out. */
type Known = Pick<Required, 'provider' | 'op' | 'kernel' | 'tier'>;

/** The cells that the rows of a config ask for in a run, each once. */
export function requiredOf(run: Run, rows: readonly Requirement[], subjects: readonly string[]): Required[] {
  const known = knownKernels(run);
  const ownOf = (provider: string) => known.filter(kernel => kernel.provider === provider);
  const all = rows.flatMap(row =>
    (row.provider ? [row.provider] : subjects).flatMap(provider =>
      ofProvider(provider, ownOf(provider), row, run),
    ),
  );
  return [...new Map(all.map(cell => [JSON.stringify(cell), cell])).values()];
}

function knownKernels({ cells, providers }: Run): Known[] {
  const leftOut = providers.flatMap(({ name, leftOut }) =>
    leftOut.map(kernel => ({ provider: name, ...kernel })),
  );
  return [...cells, ...leftOut];
}

function ofProvider(provider: string, own: readonly Known[], row: Requirement, run: Run): Required[] {
  const ops: readonly string[] = row.ops ?? distinct(own.map(kernel => kernel.op));
  return orAny(ops).flatMap(op => {
    const ofOp = own.filter(kernel => kernel.op === op);
    const able = distinct(ofOp.map(kernel => kernel.tier)).filter(tier => runsSomewhere(tier, run));
    return orAny(row.tiers ?? able).flatMap(tier => {
      const there = ofOp.filter(kernel => kernel.tier === tier).map(kernel => kernel.kernel);
      return orAny(row.kernels ?? distinct(there)).flatMap(kernel =>
        (row.dtypes ?? floatDtypes).map(dtype => ({ provider, op, kernel, tier, dtype })),
      );
    });
  });
}

/** A tier that a machine of the run has; where machines do not know it, one in which a cell was executed. */
function runsSomewhere(tier: string, run: Run): boolean {
  const machine = machineTiers(run).find(candidate => candidate.tier === tier);
  return machine?.available ?? run.cells.some(cell => cell.tier === tier && cell.verdict !== 'unavailable');
}

function orAny(names: readonly string[]): readonly string[] {
  return names.length > 0 ? names : [any];
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
