/** What a section of the page is. */

import type { Html } from '../html.ts';
import type { Ledger } from '../ledger.ts';

export interface Section {
  /** The fragment that leads here. Without a dot: ids of cells have four. */
  readonly id: string;
  /** What the bar on top calls it, and what it says where there is little room. */
  readonly name: string;
  readonly short: string;
  /** Whether a page has it; absent: every page has. */
  readonly concerns?: (ledger: Ledger) => boolean;
  /** The section's markup, its heading first (`headingId(section.id)` names it). */
  readonly render: (ledger: Ledger) => Html;
  /** Rules that only this section needs. */
  readonly style: string;
}

/** Id of a section's heading, by which the section is labelled. */
export function headingId(id: string): string {
  return `${id}-heading`;
}
