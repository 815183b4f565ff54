/** A run in which the harness itself failed is green for nobody. */

import { expect, test } from 'vitest';
import { headline } from '../../reports/headline.ts';
import { ledgerOf } from '../../reports/ledger.ts';
import { renderReport } from '../../reports/report.ts';
import { peeredRun } from '../../reports/testing/peered.ts';
import { greenRun } from '../../reports/testing/sample.ts';
import { passes } from '../audit/audit.ts';
import { configSchema } from '../config/config.ts';
import { judge } from '../gate/gate.ts';
import { type Run, runSchema } from '../run/document.ts';
import { merge } from '../run/merge.ts';
import { exitCodeOf } from './make-run.ts';
import { verdictText } from './tables.ts';

const mishap = { op: 'rms_norm', during: 'cases 64 to 71', message: 'Error: out of order' } as const;
const line = 'tierwise itself failed, rms_norm, cases 64 to 71: Error: out of order';
const whole = greenRun();
const failed: Run = { ...whole, mishaps: [mishap] };
const circumstances = { today: '2026-11-25', builds: new Map(), regressions: [] };
const audited = (run: Run) => ({ ...run, audit: { budgetSeconds: 3, rows: [], correct: [] } });

test.each([
  ['the exit code', exitCodeOf, 0, 2],
  ['the gate', (run: Run) => judge(run, configSchema.parse({}), circumstances).problems, [], [line]],
  ['the audit', (run: Run) => passes(audited(run)), true, false],
  ['the lines above the verdict', (run: Run) => verdictText(run).includes(line), false, true],
  ['the verdict', (run: Run) => verdictText(run).includes('not whole'), false, true],
  ['the headline', (run: Run) => headline(ledgerOf(run)).includes('not whole'), false, true],
  ['the report', (run: Run) => renderReport(run).includes(line), false, true],
] as const)('%s', (_, of, green, red) => {
  expect(of(whole)).toEqual(green);
  expect(of(failed)).toEqual(red);
});

test('a merge keeps it, and a document that does not tell of any has none', () => {
  const sources = [failed, peeredRun()].map((run, i) => ({ name: `run ${i}`, run }));
  expect(merge(sources, 'tierwise merge').mishaps).toEqual([mishap]);
  const { mishaps: _, ...old } = whole;
  expect(runSchema.parse(old)).toEqual(whole);
});
