/** The kill matrix in the terminal: a line for each planted bug, then what it comes to. */

import { count, counted } from '../../reports/format.ts';
import { type Audited, falseAlarms, passes, survivors } from '../audit/audit.ts';
import type { AuditRow, Run } from '../run/document.ts';
import { colours, table } from './terminal.ts';

/** The matrix, survivors with their reasons, false alarms, and one sentence for each. */
export function matrixText(run: Audited): string {
  const { rows, budgetSeconds } = run.audit;
  return [
    table(
      ['', 'planted', 'op', 'tier', 'by', 'cases', 'ms'],
      ['left', 'left', 'left', 'left', 'left', 'right', 'right'],
      rows.map(cellsOf),
    ),
    '',
    ...rows.filter(row => row.cases > 0 && !row.killed).map(survivorText),
    ...rows.filter(row => row.killed && row.survives !== undefined).map(resurrectedText),
    ...byProperty(rows),
    killsText(rows, budgetSeconds),
    ...(run.audit.correct.length > 0 ? [alarmsText(run)] : []),
    passes(run) ? colours.green('The audit holds.') : colours.red('The audit fails.'),
  ].join('\n');
}

function cellsOf({ op, kernel, tier, killed, cases, survives, expected }: AuditRow): string[] {
  if (cases === 0) return [colours.yellow('not run'), kernel, op, tier, '', '', ''];
  if (!killed) {
    const mark = survives === undefined ? colours.red(colours.bold('SURVIVES')) : colours.dim('out of reach');
    return [mark, kernel, op, tier, colours.dim(`(${expected})`), count(cases), ''];
  }
  const { property, milliseconds } = killed;
  const by = property === expected ? property : `${property} ${colours.dim(`(${expected})`)}`;
  return [colours.green('killed'), kernel, op, tier, by, count(cases), count(Math.round(milliseconds))];
}

function survivorText({ kernel, bug, trigger, survives, cases }: AuditRow): string {
  const why = survives ?? `nothing was seen in ${count(cases)} cases`;
  return `${colours.bold(kernel)}: ${bug}. Trigger: ${trigger}. Not found: ${why}`;
}

function resurrectedText({ kernel }: AuditRow): string {
  return `${colours.bold(kernel)} was killed, and the manifest says that nothing could: take its reason out`;
}

function byProperty(rows: readonly AuditRow[]): string[] {
  const counts = new Map<string, number>();
  for (const { property } of rows.flatMap(row => row.killed ?? []))
    counts.set(property, (counts.get(property) ?? 0) + 1);
  const said = [...counts].sort(([, a], [, b]) => b - a).map(([name, kills]) => `${name} ${kills}`);
  return said.length === 0 ? [] : [`first by: ${said.join(', ')}`];
}

/** How many are killed, and how soon. */
function killsText(rows: readonly AuditRow[], budget: number): string {
  const hunted = rows.filter(row => row.cases > 0);
  const kills = hunted.flatMap(row => row.killed ?? []);
  const reasons = hunted.length - kills.length - survivors(rows).length;
  const missing = rows.length - hunted.length;
  return (
    `${kills.length} of ${hunted.length} planted bugs killed within ${budget} s each` +
    (kills.length > 0
      ? `; median ${Math.round(median(kills.map(kill => kill.milliseconds)))} ms and ` +
        `${median(kills.map(kill => kill.cases))} cases`
      : '') +
    (reasons > 0 ? `; ${reasons} out of reach, with the reason` : '') +
    (missing > 0 ? `; ${missing} not run here` : '')
  );
}

function alarmsText(run: Run): string {
  const alarms = falseAlarms(run);
  const elements = run.cells.reduce((sum, cell) => sum + cell.elements, 0);
  const kernels = new Set(run.cells.map(({ op, kernel, tier }) => `${op}/${kernel}/${tier}`)).size;
  const over = `${count(elements)} elements of ${counted(kernels, 'correct kernel')}`;
  return alarms.length === 0
    ? `no false alarm in ${over}`
    : `${counted(alarms.length, 'false alarm')} in ${over}: ${alarms.map(({ op, kernel, dtype, reason }) => `${op} ${kernel} ${dtype}: ${reason ?? ''}`).join('; ')}`;
}

/** The middle of some numbers; of an even number of them the upper one. */
function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
