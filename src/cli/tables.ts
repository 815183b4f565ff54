/** The run in the terminal: the ledger, latencies, findings. */

import { count, counted, duration, percent, rate, share } from '../../reports/format.ts';
import type { Cell, Finding, Run } from '../run/document.ts';
import { colours, table } from './terminal.ts';

const marks: Readonly<Record<Cell['verdict'], string>> = {
  pass: colours.green('pass'),
  fail: colours.red(colours.bold('FAIL')),
  unsupported: colours.yellow('unsupported'),
  unavailable: colours.dim('unavailable'),
  'not-run': colours.yellow('not run'),
};

/** One line a cell. */
export function ledgerTable(run: Run): string {
  const rows = run.cells.map(cell => [
    marks[cell.verdict],
    cell.provider,
    cell.op,
    cell.kernel,
    cell.tier,
    cell.dtype,
    count(cell.cases),
    count(cell.elements),
    `${cell.supported}/${cell.asked}`,
    cell.worst ? share(cell.worst.ratio) : '',
    cell.precision === null ? '' : share(cell.precision),
  ]);
  return table(
    [
      'verdict',
      'provider',
      'op',
      'kernel',
      'tier',
      'type',
      'cases',
      'elements',
      'supported/asked',
      'worst/bound',
      'precision (limit 4)',
    ],
    ['left', 'left', 'left', 'left', 'left', 'left', 'right', 'right', 'right', 'right', 'right'],
    rows,
  );
}

/** One line a shape, type and kernel name, one column a tier. */
export function latencyTable(run: Run): string {
  const tiers = [...new Set(run.timings.map(timing => timing.tier))];
  const groups = new Map<string, typeof run.timings>();
  for (const timing of run.timings) {
    const key = [timing.shape, timing.size, timing.dtype, timing.provider, timing.kernel].join('\n');
    groups.set(key, [...(groups.get(key) ?? []), timing]);
  }
  const rows = [...groups.values()].map(group => {
    const [{ shape, size, dtype, provider, kernel }] = group;
    const cells = tiers.map(tier => {
      const timing = group.find(candidate => candidate.tier === tier);
      if (!timing) return '';
      const text = duration(timing.median);
      return timing.proved ? text : `(${text})`;
    });
    const fastest = group.reduce((best, timing) => (timing.median < best.median ? timing : best));
    const roof = fastest.ofRoof === null ? '' : `${percent(fastest.ofRoof)} of ${fastest.roof}`;
    return [shape, size, dtype, `${provider} ${kernel}`, ...cells, rate(fastest), roof];
  });
  return table(
    ['shape', 'rows x n', 'type', 'kernel', ...tiers, 'best', 'of its roof'],
    ['left', 'right', 'left', 'left', ...tiers.map(() => 'right' as const), 'right', 'right'],
    rows,
  );
}

/** What a finding is, and how to run it again. */
function findingText(finding: Finding): string {
  const { provider, op, kernel, tier, dtype, property, message, k, shrunk, replay } = finding;
  const { fromElements, toElements, steps } = shrunk;
  return [
    `${colours.red('✗')} ${colours.bold(`${provider}/${op}/${kernel}/${tier} ${dtype}`)}: ${property}`,
    `  ${message}`,
    `  case ${k}, shrunk in ${steps} steps from ${fromElements} to ${toElements} output elements`,
    `  ${colours.cyan(replay)}`,
  ].join('\n');
}

/** One finding a kernel, and which others there are; then cells that fail without one, and why. */
export function findingsText(run: Run): string[] {
  const byKernel = new Map<string, Finding[]>();
  for (const finding of run.findings) {
    const key = [finding.provider, finding.op, finding.kernel, finding.tier].join('/');
    byKernel.set(key, [...(byKernel.get(key) ?? []), finding]);
  }
  const unfiled = run.cells.filter(
    cell =>
      cell.verdict === 'fail' && !byKernel.has([cell.provider, cell.op, cell.kernel, cell.tier].join('/')),
  );
  const reasons = unfiled.map(
    ({ provider, op, kernel, tier, dtype, reason }) =>
      `${colours.red('✗')} ${colours.bold(`${provider}/${op}/${kernel}/${tier} ${dtype}`)}: ${reason ?? 'fails'}\n`,
  );
  const findings = [...byKernel.values()].map(([first, ...others]) => {
    const rest = others.map(({ dtype, property }) => `${property} in ${dtype}`).join(', ');
    return `${findingText(first)}\n${rest ? colours.dim(`  also: ${rest}\n`) : ''}`;
  });
  return [...findings, ...reasons];
}

/** The run in one or two sentences. */
export function verdictText(run: Run): string {
  const cells = (verdict: Cell['verdict']) => run.cells.filter(cell => cell.verdict === verdict).length;
  const [passed, failed] = [cells('pass'), cells('fail')];
  const others = (['unsupported', 'unavailable', 'not-run'] as const)
    .filter(verdict => cells(verdict) > 0)
    .map(verdict => `${cells(verdict)} ${verdict === 'not-run' ? 'not run' : verdict}`);
  const rest = others.length ? ` (${others.join(', ')})` : '';
  if (failed > 0) return colours.red(`${failed} of ${run.cells.length} cells fail; ${passed} pass${rest}.`);
  if (passed === 0) return colours.yellow(`Nothing was proved${rest}.`);
  return colours.green(
    passed === run.cells.length
      ? `All ${counted(passed, 'cell')} hold.`
      : `${passed} of ${run.cells.length} cells hold${rest}.`,
  );
}
