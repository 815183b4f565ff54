/**
 * The hunt for one planted bug: the sequence of cases that a check goes through, for one kernel alone, up to
 * the first case that breaks a property.
 */

import { performance } from 'node:perf_hooks';
import { unitCases } from '../check/check.ts';
import { type Crew, certain } from '../check/crew.ts';
import { addAsked } from '../check/turns.ts';
import { type Kernel, kernelId } from '../providers/provider.ts';
import type { Killed } from '../run/document.ts';

/** What came of it. */
export interface Hunted {
  /** null: nothing was found in the time that there was. */
  readonly killed: Killed | null;
  /** Cases that were gone through. */
  readonly cases: number;
}

/**
 * Hunts.
 *
 * @param others - ids of the crew's other kernels, which are not asked.
 * @param seconds - when it is given up.
 */
export async function hunt(
  crew: Crew,
  kernel: Kernel,
  others: readonly string[],
  seconds: number,
): Promise<Hunted> {
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  let cases = 0;
  const asked: Record<string, number> = {};
  while (elapsed() < seconds * 1000) {
    const units = Array.from({ length: crew.size }, (_, i) => {
      const from = cases + i * unitCases;
      return { op: kernel.op, from, to: from + unitCases, closed: others, asked: { ...asked } };
    });
    const reports = certain(await crew.all(units.map(unit => ({ do: 'unit', unit }) as const)));
    const milliseconds = elapsed();
    for (const report of reports) addAsked(asked, report.asked);
    const sightings = reports.flatMap(report => report.sightings).filter(s => s.kernel === kernelId(kernel));
    if (sightings.length > 0) {
      const first = sightings.reduce((best, next) => (next.k < best.k ? next : best));
      const { property, message } = first.breach;
      return { killed: { property, message, cases: first.k + 1, milliseconds }, cases: first.k + 1 };
    }
    cases += units.length * unitCases;
  }
  return { killed: null, cases };
}
