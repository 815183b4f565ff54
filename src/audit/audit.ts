/**
 * The audit: how good is the harness? Every planted bug of a library is hunted for by itself, and every
 * correct kernel of it is checked as anyone's is. What comes of both is one run document: the matrix of kills
 * in `audit`, the correct kernels in `cells` and `findings`.
 */

import type { Crew } from '../check/crew.ts';
import { type Kernel, kernelId } from '../providers/provider.ts';
import type { Audit, AuditRow, Run } from '../run/document.ts';
import { falseAlarms, rowsOf } from '../run/kills.ts';
import { UsageError } from '../usage-error.ts';
import { hunt } from './hunt.ts';
import { type BrokenEntry, type CorrectEntry, type Entry, entryName, rowOf } from './manifest.ts';

/** A kernel, and what the manifest says of it. */
export interface Known<E extends Entry = Entry> {
  readonly kernel: Kernel;
  readonly entry: E;
}

/** The run of an audit. */
export type Audited = Run & { readonly audit: Audit };

/** Kernels with what a manifest says of them, the broken ones and the correct ones. */
export function sorted(
  kernels: readonly Kernel[],
  manifest: readonly Entry[],
): { readonly broken: Known<BrokenEntry>[]; readonly correct: Known<CorrectEntry>[] } {
  const of = new Map(manifest.map(entry => [entryName(entry), entry]));
  const [broken, correct]: [Known<BrokenEntry>[], Known<CorrectEntry>[]] = [[], []];
  for (const kernel of kernels) {
    const entry = of.get(entryName(kernel));
    if (!entry) throw new UsageError(`the manifest says nothing of ${entryName(kernel)}`);
    if (entry.is === 'broken') broken.push({ kernel, entry });
    else correct.push({ kernel, entry });
  }
  return { broken, correct };
}

/**
 * Hunts for planted bugs, one after the other.
 *
 * @param crew - has the kernels in `asked`, and asks no other.
 */
export async function huntAll(
  crew: Crew,
  broken: readonly Known<BrokenEntry>[],
  asked: readonly Kernel[],
  seconds: number,
  onProgress: (name: string) => void,
): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  for (const { kernel, entry } of broken) {
    onProgress(entry.name);
    const others = asked.filter(other => other !== kernel).map(kernelId);
    const { killed, cases } = asked.includes(kernel)
      ? await hunt(crew, kernel, others, seconds)
      : { killed: null, cases: 0 };
    const { op, name, tier, bug, trigger, by, survives } = entry;
    const row = { op, kernel: name, tier, row: rowOf(name), bug, trigger, expected: by, killed, cases };
    rows.push(survives === undefined ? row : { ...row, survives });
  }
  return rows;
}

/** Whether the harness did what it must: each bug is killed, or has a reason; no correct kernel fails; no mishap. */
export function passes(run: Audited): boolean {
  const wrong = [rowsOf(run.audit.rows, 'survives'), falseAlarms(run), run.mishaps];
  return wrong.every(list => list.length === 0);
}
