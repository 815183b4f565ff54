/**
 * The tier map: every kernel in every tier; error and speed in one cell, which leads to its evidence.
 *
 * Each provider is a table of its own in a fold of its own, so that folding needs no script; the columns of
 * the heads, the folds and the tables have the same widths.
 */

import { errorBar } from '../bar.ts';
import { count, counted, duration, share, shortHash, sizes, times } from '../format.ts';
import { glyph, type Look, looks, verdictWords } from '../glyphs.ts';
import { type Html, html } from '../html.ts';
import { apart, type Column, distinct, type Entry, grouped, type Ledger, looksIn } from '../ledger.ts';
import { asProved, headlineSize, headlineSpeed, type Speed, speedsOf } from '../speeds.ts';
import { tierNote } from '../tiers.ts';
import { headingId, type Section } from './section.ts';

const id = 'map';

/** What stands at the right of a cell, and how it is said aloud. */
function speedOf(speed: Speed | null): { text: string; said: string } {
  if (!speed) return { text: '', said: '' };
  const unproved = speed.proved ? '' : ', not proved';
  if (speed.overScalar === null) {
    const text = duration(speed.timing.median);
    return { text: asProved(text, speed), said: `${text} a call${unproved}` };
  }
  const text = times(speed.overScalar);
  return { text: asProved(text, speed), said: `${text} the speed of native scalar${unproved}` };
}

/** What was found wrong, in a word or two: where error alone doesn't show it. */
function failing({ cell, findings }: Entry): string {
  const names = distinct([
    ...cell.properties.filter(p => p.failed > 0).map(p => p.name),
    ...findings.map(f => f.property),
  ]);
  return names.join(', ');
}

/** A cell in which a kernel ran. */
function measured(entry: Entry, speed: Speed | null): Html {
  const { verdict, look } = entry;
  const { text, said } = speedOf(speed);
  const broken = verdict === 'fail' ? failing(entry) : '';
  const spoken = [
    verdictWords[look].word,
    broken && `does not hold: ${broken}`,
    entry.share !== null && `worst error ${share(entry.share)} of its limit`,
    said,
  ].filter(Boolean);
  const error =
    entry.share === null
      ? html`<span class="word">${broken || verdictWords[look].word}</span>`
      : html`${errorBar(entry.share, look)}<span class="error">${share(entry.share)}</span>`;
  return html`<a href="#${entry.id}" title="${entry.cell.tier}: ${spoken.join('; ')}">${glyph(look)}<span class="sr">${spoken.join('; ')}</span>
<span class="seen" aria-hidden="true">${error}</span><span class="speed" aria-hidden="true">${text}</span></a>`;
}

/** A cell in which none did. */
function silent(entry: Entry): Html {
  const { word } = verdictWords[entry.verdict];
  return html`<a href="#${entry.id}" title="${entry.cell.tier}: ${word}${entry.reason && `: ${entry.reason}`}">${glyph(entry.verdict)}<span class="word">${word}</span></a>`;
}

function mapCell(entry: Entry | undefined, column: Column, speeds: readonly Speed[], ledger: Ledger): Html {
  if (!entry)
    return html`<td class="none"><span aria-hidden="true">·</span><span class="sr">no kernel</span></td>`;
  const ran = entry.verdict === 'pass' || entry.verdict === 'fail';
  const body = ran ? measured(entry, headlineSpeed(speeds, ledger.run, entry)) : silent(entry);
  const ground = entry.verdict === 'unavailable' || !column.available ? ' hatched' : '';
  return html`<td class="cell is-${entry.look}${ground}" data-cell="${entry.id}">${body}</td>`;
}

/** `12` passes, `3` fails, as glyphs with their counts. */
export function counts(entries: readonly Entry[]): Html {
  const present = looks.filter(v => entries.some(e => e.look === v));
  const order = present.toSorted((a, b) => Number(b === 'fail') - Number(a === 'fail'));
  return html`${order.map(v => {
    const n = entries.filter(e => e.look === v).length;
    return html`<span class="count count-${v}">${glyph(v)}${count(n)}<span class="sr"> ${verdictWords[v].word}</span></span>`;
  })}`;
}

function opRows(entries: readonly Entry[], ledger: Ledger, speeds: readonly Speed[]): Html {
  const { op } = entries[0].cell;
  const rows = [...grouped(entries, e => JSON.stringify([e.cell.dtype, e.cell.kernel])).values()];
  const several = distinct(entries.map(e => e.cell.kernel)).length > 1;
  const size = headlineSize(ledger.run, op);
  const shape = size !== null && html`<span class="shape">${sizes(size)}</span>`;
  const lines = rows.map((row, i) => {
    const { dtype, kernel } = row[0].cell;
    const head = i === 0 && html`<th scope="rowgroup" rowspan="${rows.length}" class="op">${op}${shape}</th>`;
    return html`<tr${i === 0 ? html` class="first"` : ''}>${head}<th scope="row" class="dtype">${dtype}${several && html`<span class="kernel-small">${kernel}</span>`}</th>
<td class="kernel" title="${kernel}">${kernel}</td>
${ledger.columns.map(column =>
  mapCell(
    row.find(e => e.cell.tier === column.tier),
    column,
    speeds,
    ledger,
  ),
)}</tr>`;
  });
  // On a phone the op heads its rows instead of standing beside them.
  return html`<tbody><tr class="op-line"><th scope="rowgroup" colspan="${1 + ledger.columns.length}"><span>${op}</span>${shape}</th></tr>${lines}</tbody>`;
}

function providerTable(name: string, ledger: Ledger, speeds: readonly Speed[]): Html {
  const entries = ledger.entries.filter(e => e.cell.provider === name);
  const about = ledger.run.providers.find(p => p.name === name);
  const open = name === 'native' || ledger.providers.length === 1 || entries.some(e => e.verdict === 'fail');
  const note = about ? (about.path ?? `build ${shortHash(about.build)}`) : '';
  return html`<details class="provider"${open ? html` open` : ''}><summary class="fold-row"><span class="fold provider-name"><b>${name}</b>
<span class="note">${about?.version} ${note}</span></span>
${ledger.columns.map(c => html`<span class="per-tier"><span class="sr">${c.tier}: </span>${counts(entries.filter(e => e.cell.tier === c.tier))}</span>`)}</summary>
<table class="cells"><caption class="sr">${name}: verdict, error and speed by kernel and tier</caption>
<colgroup><col class="c-op"><col class="c-dtype"><col class="c-kernel">${ledger.columns.map(() => html`<col>`)}</colgroup>
<thead class="sr"><tr><th scope="col" class="op">op</th><th scope="col">dtype</th><th scope="col" class="kernel">kernel</th>${ledger.columns.map(c => html`<th scope="col">${c.tier}</th>`)}</tr></thead>
${[...grouped(entries, e => e.cell.op).values()].map(own => opRows(own, ledger, speeds))}</table></details>`;
}

function head(columns: readonly Column[]): Html {
  return html`<div class="map-head" aria-hidden="true"><span class="lead-columns"><span><b>op</b><span class="note">timed shape</span></span><b>dtype</b><b>kernel</b></span>
${columns.map(
  c =>
    html`<span class="tier-head"><b>${c.tier}</b><span class="note">${[tierNote(c.tier), !c.available && 'not here'].filter(Boolean).join(' · ')}</span></span>`,
)}</div>`;
}

const legendWords: Readonly<Record<Look, string>> = {
  pass: 'pass',
  fail: 'fail; its time in ( ) proves nothing',
  unsupported: 'unsupported: says no to every case',
  unavailable: 'unavailable: not on this machine',
  'not-run': 'not run: kernel exists, never executed',
  emulated: 'emulated: passes there, not executed on a CPU of the tier',
};

function legend(entries: readonly Entry[]): Html {
  return html`<ul class="legend" aria-label="What the shapes mean">${looksIn(entries).map(
    v => html`<li>${glyph(v)} ${legendWords[v]}</li>`,
  )}<li><span class="none">·</span> no kernel</li></ul>`;
}

function render(ledger: Ledger): Html {
  const { entries, columns, providers, peers } = ledger;
  const { subjects, beside } = apart(ledger);
  const speeds = speedsOf(ledger);
  const tables = (names: readonly string[]) => names.map(name => providerTable(name, ledger, speeds));
  const body =
    entries.length === 0
      ? html`<p>There is no cell to show.</p>`
      : html`<div class="map-table columns-${Math.min(columns.length, 7)}">${head(columns)}${tables(providers.filter(name => !peers.includes(name)))}${peers.length > 0 && html`<h3 class="beside">Peers, compared with and not counted</h3>${tables(peers)}`}</div>${legend(entries)}`;
  return html`<div class="map-title"><div><h2 id="${headingId(id)}">Tier map</h2>
<p class="lead">Every kernel in every tier. The bar is the worst error seen; the tick is the most that a correct kernel may err. Then speed over native scalar.</p></div>
<p class="note">${counted(subjects.length, 'cell')}${beside.length > 0 && `, ${count(beside.length)} of peers`}</p></div>${body}`;
}

const style = `
.map-title { display: flex; justify-content: space-between; align-items: end; gap: 24px; }
.map-title > .note { margin-bottom: 24px; white-space: nowrap; }
.map-table { --kernel: 150px; position: relative; }
.map-head, .fold-row { display: grid; grid-template-columns: calc(166px + var(--kernel)); grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); }
.map-head { border-bottom: 1.5px solid var(--ink); padding-bottom: 8px; align-items: end; }
.map-head b { font-weight: 600; display: block; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.lead-columns { display: grid; grid-template-columns: 116px 50px var(--kernel); align-items: end; }
.map-head .note { display: block; font-size: 11px; line-height: 15px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.tier-head { padding-left: 8px; min-width: 0; }
.provider + .provider { margin-top: 4px; }
.beside { margin-top: 28px; font-size: 13px; }
.fold-row { padding: 16px 0 6px; border-bottom: 1px solid var(--rule-strong); align-items: center; }
.provider-name { min-width: 0; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; padding-left: 2px; }
.provider-name b { font-weight: 600; }
.provider-name .note { margin-left: 6px; }
details[open] > .fold-row > .fold::before { transform: rotate(45deg); margin-bottom: 4px; }
.per-tier { display: flex; gap: 10px; padding-left: 8px; font-size: 12px; }
.count { display: inline-flex; gap: 5px; align-items: center; color: var(--grey); white-space: nowrap; }
.count .glyph { width: 11px; height: 11px; }
.count-fail { color: var(--fail); font-weight: 600; }
.cells { table-layout: fixed; }
.c-op { width: 116px; } .c-dtype { width: 50px; } .c-kernel { width: var(--kernel); }
.cells td, .cells th { height: 25px; padding: 0; vertical-align: middle; }
.cells .op { vertical-align: top; padding-top: 3px; font-weight: 600; }
.cells .shape { display: block; font-weight: 400; font-size: 11px; color: var(--grey); margin-top: 6px; overflow: hidden; text-overflow: ellipsis; }
.cells tr + tr > * { border-top: 1px solid var(--rule); }
.cells tbody tr.first > * { border-top: 0; }
.cells tbody + tbody tr.first > * { border-top: 1px solid var(--rule-strong); }
.cells thead + tbody tr:first-child > * { border-top: 0; }
.cells .kernel { color: var(--grey); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding-right: 8px; }
.op-line, .kernel-small { display: none; }
.cell a { display: grid; grid-template-columns: 14px minmax(24px, 108px) 58px; column-gap: 8px; height: 24px; padding: 0 8px; align-items: center; text-decoration: none; }
.cell a:hover { box-shadow: inset 0 0 0 1.5px var(--focus); border-radius: 3px; }
.seen { display: grid; grid-template-columns: minmax(20px, 1fr) 40px; column-gap: 6px; align-items: center; }
.error { text-align: right; white-space: nowrap; } .speed { text-align: right; color: var(--grey); white-space: nowrap; }
.word { grid-column: 2 / -1; color: var(--grey); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.seen .word { grid-column: 1 / -1; }
.is-fail { background: var(--fail-ground); }
.is-fail .error, .is-fail .speed, .is-fail .word { color: var(--fail); }
.is-fail .error { font-weight: 600; }
.hatched { background: repeating-linear-gradient(135deg, transparent 0 5px, var(--hatch) 5px 6px); }
.hatched .word { justify-self: start; background: var(--page); padding: 0 4px; margin-left: -4px; }
.hatched .glyph { background: var(--page); }
.none { color: var(--rule-strong); padding-left: 12px !important; }
.legend { display: grid; grid-template-columns: repeat(3, max-content); gap: 4px 48px; margin-top: 20px; font-size: 12px; color: var(--soft); }
.legend li { display: flex; gap: 8px; align-items: center; }
.legend .none { color: var(--grey); width: 14px; text-align: center; padding: 0 !important; font-weight: 700; }
.columns-5 .seen, .columns-6 .seen, .columns-7 .seen { grid-template-columns: minmax(18px, 1fr) 34px; column-gap: 4px; }
.columns-7 { --kernel: 96px; }
@media (min-width: 721px) {
  .columns-7 .cell a { grid-template-columns: 14px minmax(20px, 60px) 46px; column-gap: 4px; padding: 0 4px; font-size: 11px; }
  .columns-7 .seen { grid-template-columns: minmax(16px, 1fr) 28px; column-gap: 3px; }
}
@media (min-width: 721px) and (max-width: 1280px) {
  .map-table { overflow-x: auto; } .map-table > * { min-width: 1080px; }
}
@media (max-width: 720px) {
  .map-title { display: block; } .map-title > .note { display: none; }
  .map-head, .fold-row { grid-template-columns: 58px; }
  .map-head .lead-columns > *, .map-head .note { display: none; }
  .map-head { font-size: 11px; text-align: center; }
  .tier-head { padding: 0; overflow: hidden; text-overflow: ellipsis; }
  .fold-row { grid-auto-flow: row; grid-template-columns: 1fr; border-bottom: 0; padding-bottom: 4px; }
  .provider-name { font-size: 13px; } .provider[open] .per-tier { display: none; }
  .fold-row .per-tier > .sr { position: static; width: auto; height: auto; margin: 0; clip-path: none; }
  .per-tier { padding-left: 16px; } .per-tier:not(:has(.count)) { display: none; }
  .c-op, .c-kernel, .cells .op, .cells .kernel { display: none; }
  .c-dtype { width: 58px; }
  .op-line { display: table-row; }
  .op-line th { border-top: 1px solid var(--rule-strong) !important; height: 32px !important; }
  .op-line span:first-child { font-weight: 600; color: var(--ink); }
  .op-line .shape { float: right; margin: 0; line-height: 18px; }
  .dtype { font-size: 12px; overflow: hidden; }
  .kernel-small { display: block; font-size: 9px; line-height: 11px; color: var(--grey); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .cells td { height: 48px; }
  .cell a { display: flex; flex-direction: column; justify-content: center; gap: 2px; height: 47px; padding: 0 5px; }
  .seen { display: block; width: 100%; } .seen .error { display: none; }
  .cell > a > .word { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .seen .word { display: block; font-size: 10px; line-height: 13px; text-align: center; }
  .speed { font-size: 10px; line-height: 12px; text-align: center; min-height: 12px; }
  .bar { height: 9px; }
  .none { text-align: center; padding: 0 !important; }
  .legend { grid-template-columns: 1fr; }
}
`;

export const tierMap: Section = { id, name: 'Tier map', short: 'Map', render, style };
