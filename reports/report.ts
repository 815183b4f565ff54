/** The HTML report: one run, one file that opens offline and reads without a script. */

import type { Run } from '../src/run/document.ts';
import { ledgerOf } from './ledger.ts';
import { page } from './page.ts';
import { sections } from './sections/index.ts';

/** The report of a run as one HTML document. The same run gives the same text. */
export function renderReport(run: Run): string {
  const ledger = ledgerOf(run);
  return page(
    ledger,
    sections.filter(({ concerns }) => concerns?.(ledger) ?? true),
  ).html;
}
