/** Findings that may stand for now. */

import type { Known } from '../config/config.ts';
import type { Cell } from '../run/document.ts';

type Names = Pick<Cell, 'provider' | 'op' | 'kernel' | 'tier' | 'dtype'>;

const names = ['provider', 'op', 'kernel', 'tier', 'dtype'] as const;

/** Whether an entry speaks of a property of a cell. */
export function speaksOf(entry: Known, cell: Names, property: string): boolean {
  return entry.property === property && names.every(name => (entry[name] ?? cell[name]) === cell[name]);
}

/** Whether an entry's time is over, on a day such as `2026-11-25`. */
export function expired(entry: Known, today: string): boolean {
  return today > entry.until;
}

/** An entry in words: the names that it gives, and the property. */
export function entryText(entry: Known): string {
  const cell = names.map(name => entry[name]).filter(name => name !== undefined);
  return `${entry.property} of ${cell.join('/') || 'every cell'}`;
}
