/** The kill matrix in the terminal: a line for each planted bug, then what it comes to. */

import { count, counted } from '../../reports/format.ts';
import { type Audited, passes } from '../audit/audit.ts';
import { type AuditRow, kernelsOf, type Run } from '../run/document.ts';
import { falseAlarms, fateOf, firstBy, middleKill, resurrected, rowsOf } from '../run/kills.ts';
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
    ...resurrected(rows).map(resurrectedText),
    ...byProperty(rows),
    killsText(rows, budgetSeconds),
    ...(run.audit.correct.length > 0 ? [alarmsText(run)] : []),
    passes(run) ? colours.green('The audit holds.') : colours.red('The audit fails.'),
  ].join('\n');
}

function cellsOf(row: AuditRow): string[] {
  const { op, kernel, tier, killed, cases, expected } = row;
  const names = [kernel, op, tier];
  if (killed) {
    const { property, milliseconds } = killed;
    const by = property === expected ? property : `${property} ${colours.dim(`(${expected})`)}`;
    return [colours.green('killed'), ...names, by, count(cases), count(Math.round(milliseconds))];
  }
  const fate = fateOf(row);
  if (fate === 'not run') return [colours.yellow(fate), ...names, '', '', ''];
  const mark = fate === 'survives' ? colours.red(colours.bold('SURVIVES')) : colours.dim(fate);
  return [mark, ...names, colours.dim(`(${expected})`), count(cases), ''];
}

function survivorText({ kernel, bug, trigger, survives, cases }: AuditRow): string {
  const why = survives ?? `nothing was seen in ${count(cases)} cases`;
  return `${colours.bold(kernel)}: ${bug}. Trigger: ${trigger}. Not found: ${why}`;
}

function resurrectedText({ kernel }: AuditRow): string {
  return `${colours.bold(kernel)} was killed, and the manifest says that nothing could: take its reason out`;
}

function byProperty(rows: readonly AuditRow[]): string[] {
  const said = firstBy(rows).map(([name, kills]) => `${name} ${kills}`);
  return said.length === 0 ? [] : [`first by: ${said.join(', ')}`];
}

/** How many are killed, and how soon. */
function killsText(rows: readonly AuditRow[], budget: number): string {
  const [kills, reasons, missing] = (['killed', 'out of reach', 'not run'] as const).map(
    fate => rowsOf(rows, fate).length,
  );
  const middle = middleKill(rows);
  return (
    `${kills} of ${rows.length - missing} planted bugs killed within ${budget} s each` +
    (middle ? `; median ${Math.round(middle.milliseconds)} ms and ${middle.cases} cases` : '') +
    (reasons > 0 ? `; ${reasons} out of reach, with the reason` : '') +
    (missing > 0 ? `; ${missing} not run here` : '')
  );
}

function alarmsText(run: Run): string {
  const alarms = falseAlarms(run);
  const elements = run.cells.reduce((sum, cell) => sum + cell.elements, 0);
  const kernels = kernelsOf(run.cells);
  const over = `${count(elements)} elements of ${counted(kernels, 'correct kernel')}`;
  return alarms.length === 0
    ? `no false alarm in ${over}`
    : `${counted(alarms.length, 'false alarm')} in ${over}: ${alarms.map(({ op, kernel, dtype, reason }) => `${op} ${kernel} ${dtype}: ${reason ?? ''}`).join('; ')}`;
}
