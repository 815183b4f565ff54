/** The evidence: every figure elsewhere on the page is a cell of this list, opened. */

import { errorBar } from '../bar.ts';
import {
  count,
  counted,
  duration,
  inUnit,
  percent,
  share,
  shortHash,
  sizes,
  times,
  timeUnit,
} from '../format.ts';
import { glyph, verdictWords } from '../glyphs.ts';
import { type Content, type Html, html } from '../html.ts';
import { cellId, type Entry, executed, grouped, type Ledger, precisionLimit } from '../ledger.ts';
import { asProved, type Speed, speedsOf } from '../speeds.ts';
import { caseJson, caseSummary, findingId } from './findings.ts';
import { headingId, type Section } from './section.ts';
import { counts } from './tier-map.ts';

const id = 'cells';

function row(name: string, value: Content, look: 'text' | 'code' = 'text'): Html {
  return html`<tr><th scope="row">${name}</th><td class="n wrap">${look === 'code' ? html`<code>${value}</code>` : value}</td></tr>`;
}

function evidence({ cell }: Entry, ledger: Ledger): Html {
  const ids =
    cell.executed.length > 0 ? cell.executed.map(x => html`<code>${x}</code> `) : 'its library reports none';
  const asked = cell.asked === 0 ? 'none asked' : `${count(cell.supported)} of ${count(cell.asked)}`;
  const features = ledger.columns.find(t => t.tier === cell.tier);
  return html`<div class="block"><h4>Evidence</h4><table><tbody>
${cell.machines.length > 0 && row('executed on', cell.machines.map(i => ledger.run.machines[i].model).join(', '))}${row('cases judged', count(cell.cases))}${row('supported of asked', asked)}${row('elements compared', count(cell.elements))}
${row('of them finite, not zero', cell.elements === 0 ? '–' : `${count(cell.telling)} (${percent(cell.telling / cell.elements)})`)}
${row('executed id', ids)}${row('numerics', cell.numerics, 'code')}
${row('output digest', cell.digest === null ? 'none' : html`<code title="${cell.digest}">${shortHash(cell.digest)}</code>`)}
${row('build', html`<code title="${cell.build}">${shortHash(cell.build)}</code>`)}
${row('promises', cell.promises.join(', ') || 'none')}${features?.why && row('the tier here', features.why)}</tbody></table></div>`;
}

function properties({ cell }: Entry): Html {
  const body =
    cell.properties.length === 0
      ? html`<p class="note">None was asked.</p>`
      : html`<table><thead><tr><th scope="col">property</th><th scope="col" class="n">held</th><th scope="col" class="n">failed</th></tr></thead><tbody>${cell.properties.map(
          p =>
            html`<tr><th scope="row">${p.name}</th><td class="n">${count(p.held)}</td><td class="n ${p.failed > 0 ? 'fail-text loud' : 'grey'}">${count(p.failed)}</td></tr>`,
        )}</tbody></table>`;
  return html`<div class="block"><h4>Properties</h4>${body}</div>`;
}

function check(name: string, value: number | null, limit: number): Html {
  if (value === null)
    return html`<tr><th scope="row">${name}</th><td></td><td class="n grey">not measured</td><td></td></tr>`;
  const verdict = value > limit ? 'fail' : 'pass';
  return html`<tr><th scope="row">${name}</th><td class="check-bar">${errorBar(value / limit, verdict)}</td>
<td class="n${verdict === 'fail' ? ' fail-text loud' : ''}">${share(value)}</td><td class="n grey">limit ${limit}</td></tr>`;
}

function checks({ cell }: Entry): Html {
  const { worst } = cell;
  return html`<div class="block"><h4>Error, worst of all cases</h4><table><tbody>
${check('hard bound', worst?.ratio ?? null, 1)}${check('precision', cell.precision, precisionLimit)}</tbody></table>
${worst && html`<details class="worst"><summary class="fold note">Closest to its bound: case ${count(worst.k)}</summary>${caseSummary(worst.case)}${caseJson(worst.case)}</details>`}</div>`;
}

function latency(own: readonly Speed[]): Html {
  const rows = own.map(speed => {
    const { timing, overScalar } = speed;
    const unit = timeUnit(timing.median);
    return html`<tr><th scope="row" title="${timing.shape}">${sizes(timing.size)}</th><td class="n">${asProved(duration(timing.median), speed)}</td>
<td class="n grey">${inUnit(timing.low, unit)} to ${inUnit(timing.high, unit)}</td><td class="n">${overScalar === null ? '–' : asProved(times(overScalar), speed)}</td></tr>`;
  });
  const body =
    own.length === 0
      ? html`<p class="note">Not timed.</p>`
      : html`<table><thead><tr><th scope="col">shape</th><th scope="col" class="n">median</th><th scope="col" class="n">interval</th><th scope="col" class="n">over scalar</th></tr></thead><tbody>${rows}</tbody></table>`;
  return html`<div class="block"><h4>Latency</h4>${body}</div>`;
}

function oneLine(entry: Entry): Html {
  const { cell, look } = entry;
  const ran = executed(entry);
  return html`<summary class="cell-line"><span class="fold"></span>${glyph(look)}<span class="v-${look} cell-word">${verdictWords[look].word}</span>
<span class="cell-name">${cell.kernel}</span><span>${cell.dtype}</span><span>${cell.tier}</span>
<span class="n wide">${ran ? counted(cell.cases, 'case') : ''}</span><span class="n wide">${ran ? counted(cell.elements, 'element') : ''}</span>
<span class="n">${entry.share === null ? '' : html`<span class="sr">worst error </span>${share(entry.share)} <span class="grey">of limit</span>`}</span>
<span class="cell-reason">${entry.reason || (cell.digest !== null && html`<span class="sr">digest </span><code>${shortHash(cell.digest)}</code>`)}</span></summary>`;
}

function block(entry: Entry, ledger: Ledger, speeds: readonly Speed[]): Html {
  const { cell } = entry;
  const own = speeds.filter(s => cellId(s.timing) === entry.id);
  return html`<details class="cell-evidence" id="${entry.id}">${oneLine(entry)}
<div class="cell-body"><h4 class="sr">${cell.provider} ${cell.op} ${cell.kernel}, ${cell.dtype}, ${cell.tier}: ${verdictWords[entry.look].word}</h4>
${entry.reason && html`<p class="cell-why">${entry.reason}</p>`}
${entry.findings.map(f => html`<p class="cell-why"><a href="#${findingId(f, ledger.run)}">Finding, ${f.property}</a>: ${f.message}</p>`)}
<div class="evidence-grid">${evidence(entry, ledger)}${properties(entry)}${checks(entry)}${latency(own)}</div></div></details>`;
}

function group(entries: readonly Entry[], ledger: Ledger, speeds: readonly Speed[]): Html {
  const [{ cell }] = entries;
  const open = cell.provider === 'native' || entries.some(e => e.verdict === 'fail');
  return html`<details class="cell-group"${open ? html` open` : ''}><summary class="group-line"><span class="fold"></span><h3>${cell.provider} ${cell.op}</h3><span class="group-counts">${counts(entries)}</span></summary>
${entries.map(e => block(e, ledger, speeds))}</details>`;
}

function render(ledger: Ledger): Html {
  const speeds = speedsOf(ledger);
  const groups = [...grouped(ledger.entries, e => JSON.stringify([e.cell.provider, e.cell.op])).values()];
  const total = ledger.entries.reduce((sum, e) => sum + e.cell.elements, 0);
  return html`<h2 id="${headingId(id)}">Cells</h2>
<p class="lead">${counted(ledger.entries.length, 'cell')}, ${counted(total, 'output element')} compared with float64 truth. What stands behind each verdict:</p>
${groups.map(g => group(g, ledger, speeds))}`;
}

const style = `
.group-line { display: flex; gap: 10px; align-items: center; padding: 14px 0 6px; border-bottom: 1px solid var(--rule-strong); }
.group-counts { display: flex; gap: 10px; font-size: 12px; }
.group-line .fold, .cell-line .fold { line-height: 0; }
.group-line .fold::before, .cell-line .fold::before { margin-right: 0; }
details[open] > .group-line > .fold::before, details[open] > .cell-line > .fold::before { transform: rotate(45deg); }
.cell-evidence { border-bottom: 1px solid var(--rule); }
.cell-line { display: grid; grid-template-columns: 10px 14px 76px 150px 44px 64px 110px 150px 112px minmax(0, 1fr); gap: 8px; align-items: center; min-height: 25px; padding: 2px 0; font-size: 12px; line-height: 18px; }
.cell-line:hover { background: var(--box); }
.cell-name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.cell-line .n { padding: 0; }
.cell-reason { padding-left: 16px; color: var(--grey); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.cell-body { padding: 8px 0 28px 32px; }
.cell-why { margin-bottom: 12px; max-width: 900px; color: var(--soft); }
.evidence-grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(290px, 1fr)); gap: 24px; }
.wrap { white-space: normal; overflow-wrap: anywhere; }
.check-bar { width: 34%; padding-left: 10px; vertical-align: middle; }
.worst { margin-top: 6px; } .worst .case { margin-top: 8px; }
.cell-evidence:target { box-shadow: -3px 0 0 var(--focus); }
.cell-evidence:target > .cell-line { background: var(--box); }
:root:not(.scripted) .cell-evidence:target::details-content { content-visibility: visible; block-size: auto; }
@media (max-width: 1100px) { .cell-line { grid-template-columns: 10px 14px 76px minmax(0, 1fr) 36px 56px 104px; } .cell-line .wide, .cell-reason { display: none; } }
@media (max-width: 720px) {
  .cell-line { grid-template-columns: 8px 14px minmax(0, 1fr) 34px 52px 92px; min-height: 44px; gap: 7px; } .cell-word { display: none; }
  .cell-body { padding-left: 0; }
  .evidence-grid { grid-template-columns: minmax(0, 1fr); }
}
`;

export const cells: Section = { id, name: 'Cells', short: 'Cells', render, style };
