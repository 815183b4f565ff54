/** What the matrix of an audit comes to. */

import type { AuditRow, Cell, Run } from './document.ts';

/** What became of a planted bug. `out of reach`: it was not found, for a reason that is stated. */
export type Fate = 'killed' | 'survives' | 'out of reach' | 'not run';

export function fateOf({ cases, killed, survives }: AuditRow): Fate {
  if (cases === 0) return 'not run';
  if (killed) return 'killed';
  return survives === undefined ? 'survives' : 'out of reach';
}

/** The rows of one fate. */
export function rowsOf(rows: readonly AuditRow[], fate: Fate): AuditRow[] {
  return rows.filter(row => fateOf(row) === fate);
}

/** Bugs that were killed though the manifest gives a reason why nothing could: it is to be taken out. */
export function resurrected(rows: readonly AuditRow[]): AuditRow[] {
  return rows.filter(row => row.killed && row.survives !== undefined);
}

/** How many bugs each property was the first to find, the most first. */
export function firstBy(rows: readonly AuditRow[]): [property: string, kills: number][] {
  const kills = new Map<string, number>();
  for (const { property } of rows.flatMap(row => row.killed ?? [])) {
    kills.set(property, (kills.get(property) ?? 0) + 1);
  }
  return [...kills].sort(([, a], [, b]) => b - a);
}

/** How soon the middle one of the bugs that were killed was; null: none was. */
export function middleKill(rows: readonly AuditRow[]): { milliseconds: number; cases: number } | null {
  const kills = rows.flatMap(row => row.killed ?? []);
  if (kills.length === 0) return null;
  return {
    milliseconds: middle(kills.map(kill => kill.milliseconds)),
    cases: middle(kills.map(kill => kill.cases)),
  };
}

/** The middle of some numbers; of an even number of them the upper one. */
function middle(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** Cells of correct kernels that do not hold. */
export function falseAlarms(run: Pick<Run, 'cells'>): Cell[] {
  return run.cells.filter(cell => cell.verdict === 'fail');
}
