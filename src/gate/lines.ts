/** Rows of the gate folded for reading: one line for the types of a kernel in a tier that came to the same. */

import type { Row, State } from './gate.ts';

export interface Line extends Pick<Row, 'provider' | 'op' | 'kernel' | 'tier' | 'state' | 'seen' | 'why'> {
  readonly dtypes: readonly string[];
  /** The least of its cells: cases, elements, supported of asked; empty where nothing was executed. */
  readonly evidence: string;
}

/** The order in which lines are read. */
const order: readonly State[] = ['red', 'known', 'green', 'aside'];

export function linesOf(rows: readonly Row[]): Line[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const { provider, op, kernel, tier, state, seen, why } = row;
    const key = JSON.stringify([provider, op, kernel, tier, state, seen, why]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()]
    .map(own => ({ ...own[0], dtypes: own.map(row => row.dtype), evidence: evidenceOf(own) }))
    .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
}

function evidenceOf(rows: readonly Row[]): string {
  const cells = rows.flatMap(row => row.cell ?? []).filter(cell => cell.cases > 0);
  if (cells.length === 0) return '';
  const { cases, elements, supported, asked } = cells.reduce((least, cell) =>
    cell.cases < least.cases ? cell : least,
  );
  return `${cases} cases, ${elements} elements, ${supported}/${asked}`;
}
