/** What a run document comes to, cell by cell and where the harness failed, whoever wrote it. */

import type { Cell, Finding, Run, Verdict } from './document.ts';

/** What is said of a run with mishaps, behind the rest. */
export const notWhole = 'The check is not whole.';

/** What was not done, in one line. */
export function mishapText({ op, during, message, interrupted }: Run['mishaps'][number]): string {
  return `${interrupted ? 'not done' : 'tierwise itself failed'}, ${op}, ${during}: ${message}`;
}

/** The properties that a cell breaks, by its tallies and by its findings. */
export function brokenProperties(cell: Cell, findings: readonly Finding[]): string[] {
  const failed = cell.properties.filter(p => p.failed > 0).map(p => p.name);
  return [...new Set([...failed, ...findings.map(f => f.property)])];
}

/**
 * The verdict on a cell. A document that contradicts itself is read for the worse: with a finding or a
 * failed property it is a fail, and a pass on which nothing was compared is not one.
 */
export function soundVerdict(cell: Cell, findings: readonly Finding[]): { verdict: Verdict; reason: string } {
  const broken = brokenProperties(cell, findings);
  const reason = cell.reason ?? '';
  if (cell.verdict === 'fail' || broken.length > 0) {
    return { verdict: 'fail', reason: reason || `does not hold: ${broken.join(', ')}` };
  }
  if (cell.verdict !== 'pass') return { verdict: cell.verdict, reason };
  if (cell.cases === 0 || cell.elements === 0) {
    return { verdict: 'not-run', reason: reason || 'no element of any case was compared' };
  }
  if (cell.telling === 0) {
    return { verdict: 'not-run', reason: reason || 'every expected value was zero, infinite or NaN' };
  }
  return { verdict: 'pass', reason: '' };
}
