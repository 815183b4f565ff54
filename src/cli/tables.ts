/** The run in the terminal: the ledger, latencies, findings. */

import { paramWords, placementWords, tensorWords } from '../../reports/case-words.ts';
import {
  changeWords,
  explanationSentence,
  overallWords,
  sharesApart,
  tiersWords,
} from '../../reports/explanation-words.ts';
import { count, counted, duration, list, percent, rate, share } from '../../reports/format.ts';
import { overText } from '../../reports/speeds.ts';
import { gapsOf, gapWords } from '../../reports/untimed-words.ts';
import type { Case } from '../case/case.ts';
import {
  type Cell,
  type Explanation,
  type Finding,
  isEmulated,
  isPeers,
  kernelsOf,
  type Run,
} from '../run/document.ts';
import { mishapText, notWhole } from '../run/verdict.ts';
import { colours, table } from './terminal.ts';

const marks: Readonly<Record<Cell['verdict'], string>> = {
  pass: colours.green('pass'),
  fail: colours.red(colours.bold('FAIL')),
  unsupported: colours.yellow('unsupported'),
  unavailable: colours.dim('unavailable'),
  'not-run': colours.yellow('not run'),
};

/** The cells in question, then those of peers. */
export function ledgerTables(run: Run): string {
  const subjects = run.cells.filter(cell => !isPeers(run, cell));
  const peers = run.cells.filter(cell => isPeers(run, cell));
  const apart =
    peers.length > 0 ? ['', 'peers, compared with and not counted:', ledgerTable(run, peers)] : [];
  return [ledgerTable(run, subjects), ...apart].join('\n');
}

/** One line a cell. */
function ledgerTable(run: Run, cells: readonly Cell[]): string {
  const rows = cells.map(cell => [
    cell.verdict === 'pass' && isEmulated(run, cell) ? colours.cyan('emulated') : marks[cell.verdict],
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

/** One line a shape, type and kernel name, one column a tier; then what peers take at the same shape, over it. */
export function latencyTable(run: Run): string {
  const timed = run.timings.filter(timing => isPeers(run, timing));
  const peers = [...new Set(timed.map(({ provider }) => provider))];
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
      if (!timing) return colours.dim('–');
      const text = duration(timing.median);
      return timing.proved ? text : `(${text})`;
    });
    const fastest = group.reduce((best, timing) => (timing.median < best.median ? timing : best));
    const roof = fastest.ofRoof === null ? '' : `${percent(fastest.ofRoof)} of ${fastest.roof}`;
    const over = peers.map(peer => overText(fastest, peer, run.timings));
    return [shape, size, dtype, `${provider} ${kernel}`, ...cells, rate(fastest), roof, ...over];
  });
  return table(
    [
      'shape',
      'rows x n',
      'type',
      'kernel',
      ...tiers,
      'best',
      'of its roof',
      ...peers.map(peer => `over ${peer}`),
    ],
    [
      'left',
      'right',
      'left',
      'left',
      ...tiers.map(() => 'right' as const),
      'right',
      'right',
      ...peers.map(() => 'right' as const),
    ],
    rows,
  );
}

/** What was not timed, and why. */
export function untimedText(run: Run): string[] {
  return gapsOf(run).flatMap(({ reason, gaps }) => [
    `not timed: ${reason}`,
    ...gaps.map(gap => `  ${gapWords(gap)}`),
  ]);
}

/** What a finding is, what it turns on, and how to run it again. */
function findingText(finding: Finding, like?: Finding): string {
  const { provider, op, kernel, tier, dtype, property, message, k, shrunk, replay } = finding;
  const { fromElements, toElements, steps } = shrunk;
  const sentence = explanationSentence(finding);
  return [
    `${colours.red('✗')} ${colours.bold(`${provider}/${op}/${kernel}/${tier} ${dtype}`)}: ${property}`,
    `  ${message}`,
    ...(sentence ? [`  ${colours.bold(sentence)}`] : []),
    `  case ${k}, shrunk in ${steps} steps from ${fromElements} to ${toElements} output elements`,
    ...(like ? [`  all else as in ${like.tier}`] : pageLines(finding)),
    `  ${colours.cyan(replay)}`,
  ].join('\n');
}

/** Lines of a kind that are shown of an explanation; the run document holds all. */
const linesShown = 5;

/** The smallest case, and what it turns on: heads at the left, lines beside them. */
function pageLines({ case: c, explanation }: Finding): string[] {
  const blocks = [['case', caseLines(c)] as const, ...(explanation ? explanationBlocks(explanation) : [])];
  return blocks.flatMap(([head, lines]) =>
    lines.map((line, i) => `  ${colours.dim((i === 0 ? head : '').padEnd(11))} ${line}`),
  );
}

function caseLines(c: Case): string[] {
  const tensors = Object.entries(c.tensors).map(([role, tensor]) => {
    const { type, layout, holds } = tensorWords(tensor);
    return [role, type, layout, holds && `= ${holds}`].filter(Boolean).join(' ');
  });
  const params = paramWords(c).map(({ name, value }) => `${name} ${value}`);
  return [...tensors, ...wrapped([...params, `threads ${c.threads}`, placementWords(c)])];
}

function explanationBlocks(explanation: Explanation): [string, string[]][] {
  const { free, bound, begins } = changeWords(explanation);
  const { more, less } = sharesApart(explanation);
  const longest = Math.max(0, ...[...begins, ...bound].map(({ name, words }) => name.length + words.length));
  const named = ({ name, words, agreement }: (typeof begins)[number]) =>
    `${`${name}: ${words}`.padEnd(Math.min(longest, 46) + 2)}${agreement && `  ${colours.dim(agreement)}`}`;
  const shares = more
    .slice(0, linesShown)
    .concat(less.slice(0, linesShown))
    .map(
      ({ dimension, edge, cases, failed }) =>
        `${percent(failed / cases).padStart(6)} of ${count(cases).padStart(6)}  ${dimension}: ${edge}`,
    );
  return [
    ['begins', begins.slice(0, linesShown).map(named)],
    ['depends on', bound.slice(0, linesShown).map(named)],
    ['any', wrapped(free)],
    ['tiers', [tiersWords(explanation)].filter(Boolean)],
    ['fails', [overallWords(explanation), ...shares].filter(Boolean)],
  ];
}

/** Words in lines of a page's width. */
function wrapped(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const longer = lines.length > 0 ? `${lines.at(-1)}, ${word}` : word;
    if (lines.length > 0 && longer.length <= 86) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((line, i) => (i < lines.length - 1 ? `${line},` : line));
}

/** Findings, those about peers last and under a heading of their own. */
export function findingsText(run: Run): string[] {
  const about = (kept: (item: { provider: string }) => boolean) =>
    findingsOf({ findings: run.findings.filter(kept), cells: run.cells.filter(kept) });
  const peers = about(item => isPeers(run, item));
  return [
    ...about(item => !isPeers(run, item)),
    ...(peers.length > 0 ? ['about peers, and not counted:\n', ...peers] : []),
  ];
}

/** One finding a kernel, and which others there are; then cells that fail without one, and why. */
function findingsOf(run: Pick<Run, 'findings' | 'cells'>): string[] {
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
  const shown: Finding[] = [];
  const findings = [...byKernel.values()].map(([first, ...others]) => {
    const rest = others.map(({ dtype, property }) => `${property} in ${dtype}`).join(', ');
    const like = shown.find(finding => isSame(first, finding));
    shown.push(first);
    return `${findingText(first, like)}\n${rest ? colours.dim(`  also: ${rest}\n`) : ''}`;
  });
  return [...findings, ...reasons];
}

/** Whether two tiers of a kernel fail on the same case with the same bits. */
function isSame(a: Finding, b: Finding): boolean {
  const names = ({ provider, op, kernel, dtype, property, case: c }: Finding) =>
    JSON.stringify([provider, op, kernel, dtype, property, c]);
  return (
    names(a) === names(b) &&
    (a.explanation?.tiers.some(({ tier, is }) => tier === b.tier && is === 'same bits') ?? false)
  );
}

/** A line for each thing that the harness failed at. */
export function mishapsText({ mishaps }: Run): string[] {
  return mishaps.map(mishap => colours.red(mishapText(mishap)));
}

/** The run in one or two sentences, below what the harness failed at. */
export function verdictText(run: Run): string {
  const says = cellsText(run);
  if (run.mishaps.length === 0) return says;
  return [...mishapsText(run), `${says} ${colours.red(notWhole)}`].join('\n');
}

function cellsText(run: Run): string {
  const subjects = run.cells.filter(cell => !isPeers(run, cell));
  const cells = (verdict: Cell['verdict']) => subjects.filter(cell => cell.verdict === verdict).length;
  const [passed, failed] = [cells('pass'), cells('fail')];
  const others = (['unsupported', 'unavailable', 'not-run'] as const)
    .filter(verdict => cells(verdict) > 0)
    .map(verdict => `${cells(verdict)} ${verdict === 'not-run' ? 'not run' : verdict}`);
  const emulated = subjects.filter(cell => cell.verdict === 'pass' && isEmulated(run, cell)).length;
  if (emulated > 0) others.push(`${emulated} on an emulated CPU alone`);
  const rest = others.length ? ` (${others.join(', ')})` : '';
  if (failed > 0) {
    const bad = kernelsOf(subjects.filter(cell => cell.verdict === 'fail'));
    const all = kernelsOf(subjects);
    const of = all > 1 ? `, in ${bad} of ${all} kernels` : '';
    return colours.red(`${failed} of ${subjects.length} cells fail${of}; ${passed} pass${rest}.`);
  }
  if (passed === 0) return colours.yellow(`Nothing was proved${rest}.`);
  return colours.green(
    passed === subjects.length
      ? `All ${counted(passed, 'cell')} hold${rest}.`
      : `${passed} of ${subjects.length} cells hold${rest}.`,
  );
}

/** Cells that are told of a reason. */
const cellsShown = 6;

/** Why cells were not run, a line a reason. */
export function notRunText(run: Run): string[] {
  const notRun = new Map<string, string[]>();
  for (const { verdict, reason, kernel, tier, dtype } of run.cells) {
    if (verdict !== 'not-run' || !reason) continue;
    notRun.set(reason, [...(notRun.get(reason) ?? []), `${kernel}/${tier} ${dtype}`]);
  }
  return [...notRun].map(([reason, cells]) => {
    const more = cells.length > cellsShown ? ` and ${cells.length - cellsShown} more` : '';
    return `not run: ${cells.slice(0, cellsShown).join(', ')}${more}: ${reason}`;
  });
}

/** A line for each provider of which nothing could run, with what to do about it. */
export function missingText(run: Run): string[] {
  return run.providers.flatMap(({ name }) => {
    const cells = run.cells.filter(cell => cell.provider === name);
    const reasons = new Set(cells.map(({ reason }) => reason));
    const nowhere = cells.length > 0 && cells.every(cell => cell.verdict === 'unavailable');
    return nowhere ? [`${name} is unavailable: ${list([...reasons].map(reason => reason ?? ''))}`] : [];
  });
}
