/** The audit: which planted bugs the harness killed and how soon, which it did not and why, and false alarms. */

import type { Audit, AuditRow, Cell, Run } from '../../src/run/document.ts';
import { type Fate, falseAlarms, fateOf, firstBy, middleKill, rowsOf } from '../../src/run/kills.ts';
import { count, counted, duration } from '../format.ts';
import { glyph } from '../glyphs.ts';
import { type Html, html } from '../html.ts';
import { grouped, type Ledger } from '../ledger.ts';
import { toCell } from '../links.ts';
import { headingId, type Section } from './section.ts';

const id = 'audit';

/** A fate as a shape: a bug that is killed is what a kernel that passes is. */
const marks = {
  killed: 'pass',
  survives: 'fail',
  'out of reach': 'unsupported',
  'not run': 'not-run',
} as const satisfies Record<Fate, Cell['verdict']>;

/** Killed ones are the ordinary case. */
const inOrder: readonly Fate[] = ['survives', 'out of reach', 'not run', 'killed'];

function mark(fate: Fate): Html {
  return html`<span class="mark${fate === 'survives' && ' fail-text loud'}">${glyph(marks[fate])} ${fate}</span>`;
}

function tally(rows: readonly AuditRow[]): Html {
  const told = inOrder.toReversed().map(fate => ({ fate, number: rowsOf(rows, fate).length }));
  return html`<div class="block answer"><h3>Planted bugs</h3><table><tbody>${told.map(
    ({ fate, number }) =>
      html`<tr><th scope="row">${mark(fate)}</th><td class="n${number === 0 ? ' grey' : ''}">${count(number)}</td></tr>`,
  )}</tbody></table></div>`;
}

function finders(rows: readonly AuditRow[]): Html {
  const found = firstBy(rows);
  return html`<div class="block answer"><h3>Found first by</h3>${
    found.length === 0
      ? html`<p class="note">Nothing was found.</p>`
      : html`<table><tbody>${found.map(
          ([property, kills]) =>
            html`<tr><th scope="row">${property}</th><td class="n">${count(kills)}</td></tr>`,
        )}</tbody></table>`
  }</div>`;
}

function alarms(run: Run, { correct }: Audit, ledger: Ledger): Html {
  const wrong = falseAlarms(run);
  const elements = run.cells.reduce((sum, cell) => sum + cell.elements, 0);
  const over = `${count(elements)} elements of ${counted(correct.length, 'correct kernel')} in unusual form were compared.`;
  const silent = elements > 0 && html`<p class="quiet">${glyph('pass')} none</p>`;
  const formOf = ({ op, kernel, tier }: Cell) =>
    correct.find(known => known.op === op && known.kernel === kernel && known.tier === tier)?.form ?? '';
  return html`<div class="block answer"><h3>False alarms</h3><p class="note">${elements === 0 ? 'No correct kernel was checked.' : over}</p>${
    wrong.length === 0
      ? silent
      : html`<ul class="alarms">${wrong.map(
          cell =>
            html`<li><span class="mark fail-text loud">${glyph('fail')} ${toCell(ledger, cell, `${cell.op} ${cell.kernel} ${cell.dtype}`)}</span><p class="note">${[formOf(cell), cell.reason].filter(Boolean).join('. ')}</p></li>`,
        )}</ul>`
  }</div>`;
}

/** What was not found: the bug, what brings it out, and why it was not. */
function missed(rows: readonly AuditRow[]): Html | false {
  const left = (['survives', 'out of reach'] as const).flatMap(fate => rowsOf(rows, fate));
  if (left.length === 0) return false;
  return html`<div class="block missed-bugs"><h3>Not found</h3>${left.map(row => {
    const { kernel, op, tier, bug, trigger, survives, cases } = row;
    const why = survives ?? `nothing was seen in ${counted(cases, 'case')}`;
    return html`<div><p>${mark(fateOf(row))} <b>${kernel}</b> <span class="grey">${op}, ${tier}</span></p><p class="note">${bug}. Trigger: ${trigger}. ${survives === undefined ? 'Not found' : 'Out of reach'}: ${why}.</p></div>`;
  })}</div>`;
}

function matrixRow(row: AuditRow): Html {
  const { kernel, tier, bug, trigger, killed, cases, expected } = row;
  const fate = fateOf(row);
  const by = killed
    ? html`${killed.property}${killed.property !== expected && html` <span class="grey expected">(${expected})</span>`}`
    : html`<span class="grey expected">(${expected})</span>`;
  return html`<tr${fate === 'survives' ? html` class="survives"` : ''}><td class="fate">${mark(fate)}</td><th scope="row"><b>${kernel}</b> <span class="grey tier">${tier}</span><span class="bug">${bug}; ${trigger}</span></th>
<td>${by}</td><td class="n tries">${cases === 0 ? '–' : count(cases)}</td><td class="n">${killed ? duration(killed.milliseconds * 1e6) : '–'}</td></tr>`;
}

function matrix(op: string, rows: readonly AuditRow[]): Html {
  const order = rows.toSorted((a, b) => inOrder.indexOf(fateOf(a)) - inOrder.indexOf(fateOf(b)));
  const kills = rowsOf(rows, 'killed').length;
  return html`<div class="block"><div class="block-head"><h3>${op}</h3><span class="note">${count(kills)} of ${count(rows.length)} killed</span></div>
<table class="matrix"><caption class="sr">Planted bugs in ${op}: what became of them, found by which property, after how many cases</caption>
<thead><tr><th scope="col">bug</th><th scope="col">planted</th><th scope="col">first by<span class="expected"> (expected)</span></th><th scope="col" class="n tries">cases</th><th scope="col" class="n">time</th></tr></thead>
<tbody>${order.map(matrixRow)}</tbody></table></div>`;
}

/** How many, how soon, and within what. */
function says({ rows, budgetSeconds }: Audit): string {
  const hunted = rows.length - rowsOf(rows, 'not run').length;
  const middle = middleKill(rows);
  const soon = middle
    ? ` The middle one fell after ${duration(middle.milliseconds * 1e6)} and ${counted(middle.cases, 'case')}.`
    : '';
  return `${count(rowsOf(rows, 'killed').length)} of ${counted(hunted, 'planted bug')} ${hunted === 1 ? 'was' : 'were'} killed within ${budgetSeconds} s each.${soon}`;
}

function render(ledger: Ledger): Html {
  const { run } = ledger;
  const { audit } = run;
  if (!audit) throw new Error('a run that is no audit has no such section');
  return html`<h2 id="${headingId(id)}">Audit</h2><p class="lead">${says(audit)} Each was hunted by itself, with the cases of a check; times are from its first case on.</p>
<div class="grid answers">${tally(audit.rows)}${finders(audit.rows)}${alarms(run, audit, ledger)}</div>
<div class="matrices">${missed(audit.rows)}${[...grouped(audit.rows, row => row.op)].map(([op, rows]) => matrix(op, rows))}</div>`;
}

const style = `
.answer h3 { margin-bottom: 6px; }
.quiet { display: flex; gap: 8px; align-items: center; margin-top: 6px; }
.alarms { margin-top: 6px; }
.matrices { display: grid; gap: 40px; margin-top: 40px; }
.missed-bugs > div { padding: 6px 0; border-top: 1px solid var(--rule); }
.missed-bugs > h3 + div { border-top: 0; }
.missed-bugs .note { max-width: 980px; margin-left: 22px; }
.matrix td, .matrix th { padding-right: 12px; }
.matrix td:last-child, .matrix th:last-child { padding-right: 0; }
.matrix .fate { width: 116px; white-space: nowrap; }
.matrix th b { font-weight: 500; } .matrix .tier { margin: 0 8px; }
.matrix .bug { color: var(--grey); display: block; }
.matrix .survives > * { background: var(--fail-ground); }
@media (max-width: 720px) {
  .matrix .fate { width: auto; } .matrix .tier, .matrix .bug, .matrix .tries, .matrix .expected { display: none; }
  .matrix td, .matrix th { padding-right: 6px; } .matrix th b { overflow-wrap: anywhere; }
}
`;

export const audit: Section = {
  id,
  name: 'Audit',
  short: 'Audit',
  concerns: ({ run }) => run.audit !== undefined,
  render,
  style,
};
