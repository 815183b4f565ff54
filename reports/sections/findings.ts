/** Findings: what does not hold, the smallest case that shows it, what was expected and what was seen. */

import type { Case } from '../../src/case/case.ts';
import type { Explanation, Finding, FindingElement, Run } from '../../src/run/document.ts';
import { lieWords, memoryWords, paramWords, placementWords, tensorWords } from '../case-words.ts';
import { type Digits, differingDigits } from '../digits.ts';
import {
  changeWords,
  explanationSentence,
  overallWords,
  sharesApart,
  tiersWords,
} from '../explanation-words.ts';
import { count, counted, percent, share } from '../format.ts';
import { glyph, glyphAlone } from '../glyphs.ts';
import { type Content, type Html, html } from '../html.ts';
import { apart, distinct, executed, grouped, type Ledger } from '../ledger.ts';
import { toCell } from '../links.ts';
import { byTier } from '../tiers.ts';
import { headingId, type Section } from './section.ts';

const id = 'findings';

/** Of so many kernels, the first finding is unfolded from the start. */
const unfolded = 3;

/** Where a finding stands on the page. */
export function findingId(finding: Finding, run: Run): string {
  return `finding-${run.findings.indexOf(finding) + 1}`;
}

function line(name: string, value: Content): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

/** A case at a glance. */
export function caseSummary(c: Case): Html {
  const tensors = Object.entries(c.tensors).map(([role, tensor]) => {
    const { type, layout, holds } = tensorWords(tensor);
    return line(
      role,
      html`${type}${layout && html` <span class="grey">${layout}</span>`}${holds && ` = ${holds}`}`,
    );
  });
  const params = paramWords(c).map(({ name, value }) => line(name, value));
  return html`<dl class="box mono case">${line('op', c.op)}${tensors}${params}
${line('threads', c.threads)}${line('placement', placementWords(c))}${line('memory', memoryWords(c))}${c.lie && line('lie', lieWords(c))}</dl>`;
}

/** The whole case, for who wants to copy it. */
export function caseJson(c: Case): Html {
  return html`<details class="json"><summary class="fold note">The case as JSON</summary><pre class="box">${JSON.stringify(c, null, 2)}</pre></details>`;
}

/** A command to copy. */
export function command(text: string): Html {
  return html`<div class="box command"><code>${text}</code><button class="copy" type="button" hidden>Copy</button></div>`;
}

function digits({ same, differs, after }: Digits, look: 'expected' | 'seen'): Html {
  return html`<span><span class="grey">${same}</span>${differs && html`<span class="differs digits-${look}">${differs}</span>`}<span class="grey">${after}</span></span>`;
}

/** Whether this element is among those that break the rule, or stands beside them for comparison. */
function breaks({ excess, bound, expected, seen }: FindingElement): boolean {
  return excess === null || bound === null ? expected !== seen : !(excess <= bound);
}

function scientific(x: number | null): string {
  if (x === null) return '–';
  return x === 0 ? '0' : x.toExponential(2).replace('e+', 'e');
}

function elementRow(element: FindingElement): Html {
  const { role, at, excess, bound } = element;
  const [expected, seen] = differingDigits(element.expected, element.seen);
  const broken = breaks(element);
  const ratio =
    excess === null || bound === null
      ? 'bits'
      : bound === 0
        ? excess === 0
          ? '0'
          : '∞'
        : share(excess / bound);
  return html`<tr${broken ? html` class="broken"` : ''}><th scope="row" class="mono">${role}[${at.join(',')}]</th>
<td class="n mono" data-label="expected">${digits(expected, 'expected')}</td><td class="n mono" data-label="seen">${digits(seen, 'seen')}</td>
<td class="n mono bits" data-label="bits">${element.seenBits}</td><td class="n" data-label="error">${scientific(excess)}</td><td class="n" data-label="bound">${scientific(bound)}</td>
<td class="n ratio" data-label="error ÷ bound"><span class="mark">${ratio} ${glyphAlone(broken ? 'fail' : 'pass')}</span></td></tr>`;
}

function elements(finding: Finding): Html {
  if (finding.elements.length === 0)
    return html`<p class="note">No element is to blame: see the message.</p>`;
  const broken = finding.elements.filter(breaks).length;
  return html`<div class="block-head"><h4>Expected and seen</h4><span class="note">${broken} of ${counted(finding.elements.length, 'element')} shown ${broken === 1 ? 'is' : 'are'} wrong</span></div>
<table class="elements"><thead><tr><th scope="col">element</th><th scope="col" class="n">expected</th><th scope="col" class="n">seen, ${finding.dtype}</th><th scope="col" class="n">seen bits</th>
<th scope="col" class="n">error beyond rounding</th><th scope="col" class="n">hard bound</th><th scope="col" class="n">error ÷ bound</th></tr></thead>
<tbody>${finding.elements.map(elementRow)}</tbody></table>`;
}

/** Conditions of a kind, each with how many failing cases share it. */
function conditions(told: ReturnType<typeof changeWords>['begins']): Html[] {
  return told.map(
    ({ name, words, agreement }) =>
      html`<div><dt>${name}</dt><dd><span>${words}</span> <span class="grey">${agreement}</span></dd></div>`,
  );
}

/** Bars, as many as are read at a glance; the run document holds all. */
const barsShown = 8;

function shareRow(edge: ReturnType<typeof sharesApart>['more'][number], overall: number): Html {
  const { dimension, edge: name, cases, failed } = edge;
  const part = failed / cases;
  return html`<tr><th scope="row">${dimension}: ${name}</th><td class="bar-cell">${bar(part, overall)}</td>
<td class="n"><b>${percent(part)}</b></td><td class="n grey">${count(cases)}</td></tr>`;
}

/** How full, and where all cases together stand. */
function bar(part: number, overall: number): Html {
  return html`<svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="6"/><rect class="filled" width="${(100 * part).toFixed(1)}" height="6"/><rect class="overall" x="${(100 * overall).toFixed(1)}" width="0.8" height="6"/></svg>`;
}

function sharesBlock(explanation: Explanation): Html {
  const { shares } = explanation;
  const { more, less } = sharesApart(explanation);
  if (!shares || shares.cases === 0) return html``;
  const rows = [...more.slice(0, barsShown), ...less.slice(0, barsShown)];
  const overall = shares.failed / shares.cases;
  return html`<div class="span-6 block"><div class="block-head"><h4>What failing cases share</h4><span class="note">share of cases that fail, cases</span></div>
<p class="note">${overallWords(explanation)}${rows.length > 0 ? '; on these edges more often, or less:' : ', on no edge more often than on others.'}</p>
${rows.length > 0 && html`<table class="shares"><caption class="sr">Share of cases that fail, by edge</caption><tbody>${rows.map(edge => shareRow(edge, overall))}</tbody></table>`}</div>`;
}

/** What the finding turns on. */
function explained(explanation: Explanation): Html {
  const { free, bound, begins } = changeWords(explanation);
  const tiers = tiersWords(explanation);
  const lines = [
    begins.length > 0 && html`<h5>Begins</h5><dl class="turns">${conditions(begins)}</dl>`,
    bound.length > 0 && html`<h5>Depends on</h5><dl class="turns">${conditions(bound)}</dl>`,
    free.length > 0 && html`<h5>May change, and it still fails</h5><p class="grey">${free.join(', ')}</p>`,
    tiers && html`<h5>Other tiers, on this case</h5><p>${tiers}</p>`,
  ].filter(Boolean);
  if (lines.length === 0 && !explanation.shares) return html``;
  return html`<div class="grid finding-why"><div class="span-6 block"><div class="block-head"><h4>What it turns on</h4><span class="note">${counted(explanation.attempts, 'changed case')} tried, one field at a time</span></div>
${lines.length > 0 ? lines : html`<p class="note">Nothing of it could be changed.</p>`}</div>
${sharesBlock(explanation)}</div>`;
}

function findingBlock(finding: Finding, ledger: Ledger, fold: 'open' | 'folded'): Html {
  const { shrunk } = finding;
  const sentence = explanationSentence(finding);
  const steps =
    shrunk.steps === 0
      ? `not shrunk, ${counted(shrunk.toElements, 'element')}`
      : `shrunk in ${counted(shrunk.steps, 'step')} from ${count(shrunk.fromElements)} to ${counted(shrunk.toElements, 'element')}`;
  return html`<details class="finding" id="${findingId(finding, ledger.run)}"${fold === 'open' && html` open`}><summary><span class="fold"></span>${glyph('fail')}
<h3>${finding.provider} ${finding.op}, ${finding.dtype}, ${finding.tier}</h3><span class="mono grey">${finding.kernel}</span><b class="fail-text property">${finding.property}</b></summary>
${sentence && html`<p class="message sentence">${sentence}</p>`}
<p class="message">${finding.message} ${toCell(ledger, finding, 'Evidence of the cell')}.</p>
<div class="grid finding-body"><div class="span-4 block"><div class="block-head"><h4>Smallest failing case</h4><span class="note">${steps}</span></div>
${caseSummary(finding.case)}<p class="note">First seen in case ${count(finding.k)} of the sequence.</p>${caseJson(finding.case)}</div>
<div class="span-8 block">${elements(finding)}
${command(finding.replay)}<p class="note">The failure file is <code>${finding.file}</code>. With <code>--in-process</code> for a debugger, <code>--dump DIR</code> for inputs, reference and output as .npy.</p></div></div>
${finding.explanation && explained(finding.explanation)}</details>`;
}

/** Findings by the kernel that they blame, in the order of the map. */
function byKernel({ entries, run }: Ledger): Finding[][] {
  const listed = entries.flatMap(e => e.findings);
  const known = new Set(listed);
  const all = [...listed, ...run.findings.filter(f => !known.has(f))];
  return [...grouped(all, f => JSON.stringify([f.provider, f.op, f.kernel])).values()];
}

/** `mutants rms_norm weight_twice in sse2, avx2`: which kernel fails, where, and what of it. */
function blamed(own: readonly Finding[]): Html {
  const [{ provider, op, kernel }] = own;
  const tiers = distinct(own.map(f => f.tier)).sort(byTier);
  const properties = distinct(own.map(f => f.property));
  return html`<li>${glyph('fail')}<span>${provider} ${op} <code>${kernel}</code> <span class="grey">in ${tiers.join(', ')}: ${properties.join(', ')}</span></span></li>`;
}

function render(ledger: Ledger): Html {
  const kernels = byKernel(ledger);
  const findings = kernels.flat();
  const first = new Set(kernels.slice(0, unfolded).map(own => own[0]));
  const { subjects, beside } = apart(ledger);
  const silent = subjects.filter(e => e.verdict === 'fail' && e.findings.length === 0).length;
  const wrongPeers = beside.filter(e => e.verdict === 'fail').length;
  const own = findings.filter(f => !ledger.peers.includes(f.provider)).length;
  const says = [
    own > 0 &&
      `${counted(own, 'finding')}, each with the smallest case that still fails and the line that runs it again.`,
    silent > 0 && `${counted(silent, 'cell')} failed without a case that shows it.`,
    own + silent === 0 &&
      (subjects.some(executed)
        ? 'Nothing that was executed failed.'
        : 'Nothing was executed, so nothing was found.'),
    wrongPeers > 0 &&
      `${counted(wrongPeers, 'cell')} of peers ${wrongPeers === 1 ? 'is' : 'are'} wrong, with ${counted(findings.length - own, 'finding')}.`,
  ].filter(Boolean);
  return html`<h2 id="${headingId(id)}">Findings</h2><p class="lead">${says.join(' ')}</p>
${kernels.length > 1 && html`<ul class="failing">${kernels.map(blamed)}</ul>`}
${findings.map(f => findingBlock(f, ledger, first.has(f) ? 'open' : 'folded'))}`;
}

const style = `
.failing { columns: 2; column-gap: 24px; margin: -8px 0 24px; font-size: 12px; }
.failing li { display: flex; gap: 8px; padding: 3px 0; break-inside: avoid; align-items: baseline; }
.failing .glyph { position: relative; top: 2px; }
.finding { border-top: 1px solid var(--rule-strong); }
.finding:last-child { border-bottom: 1px solid var(--rule-strong); }
.finding > summary { display: flex; flex-wrap: wrap; gap: 0 8px; align-items: center; padding: 8px 0; }
.finding > summary .fold { line-height: 0; }
.finding > summary .fold::before { margin-right: 4px; }
.finding[open] > summary .fold::before { transform: rotate(45deg); }
.finding h3 { font-size: 13px; }
.finding[open] h3 { font-size: 20px; line-height: 28px; letter-spacing: -0.01em; }
.finding[open] > summary > .glyph { width: 20px; height: 20px; }
.property { font-weight: 500; margin-left: auto; }
.message { font-size: 15px; line-height: 24px; color: var(--soft); max-width: 900px; margin: 0 0 16px; }
.sentence { color: var(--ink); font-weight: 500; margin-bottom: 4px; }
.finding-body { padding-bottom: 32px; }
.finding-why { padding-bottom: 40px; }
.finding-why h5 { margin: 8px 0 2px; font-size: 12px; line-height: 18px; font-weight: 500; color: var(--grey); }
.finding-why p { font-size: 12px; line-height: 18px; overflow-wrap: anywhere; }
.turns > div { display: grid; grid-template-columns: 132px minmax(0, 1fr); gap: 12px; padding: 3px 0; border-top: 1px solid var(--rule); font-size: 12px; line-height: 18px; }
.turns dt { overflow-wrap: anywhere; }
.turns dd { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 12px; }
.turns dd > span:first-child { font-weight: 500; }
.shares { margin-top: 4px; }
.bar-cell { width: 110px; padding-left: 10px; }
.share { width: 100px; height: 6px; display: block; }
.share .track { fill: var(--track); } .share .filled { fill: var(--fail); } .share .overall { fill: var(--ink); }
.shares .n:last-child { width: 64px; }
.case { display: grid; gap: 2px; overflow-wrap: anywhere; }
.case > div { display: grid; grid-template-columns: 132px minmax(0, 1fr); gap: 12px; }
.case dt { color: var(--grey); }
.case + .note { margin-top: 8px; }
.json summary { margin-top: 4px; }
.json pre { margin-top: 8px; max-height: 420px; overflow: auto; }
.elements { margin-bottom: 16px; }
.elements td, .elements th { padding: 3px 0 3px 10px; }
.elements th:first-child { padding-left: 8px; } .elements td:last-child { padding-right: 8px; }
.elements .broken { background: var(--fail-ground); }
.elements .mark { gap: 6px; }
.elements .broken .ratio { color: var(--fail); font-weight: 600; }
.differs { font-weight: 600; } .digits-seen { color: var(--fail); }
.command + .note { margin-top: 6px; }
@media (max-width: 1100px) { .finding-body > *, .finding-why > * { grid-column: span 12; } }
@media (max-width: 720px) {
  .failing { columns: 1; }
  .property, .finding > summary .mono { margin-left: 0; flex-basis: 100%; padding-left: 20px; }
  .case > div, .turns > div { grid-template-columns: 126px minmax(0, 1fr); gap: 8px; }
  .elements, .elements tbody, .elements tr, .elements td { display: block; }
  .elements thead { display: none; }
  .elements tr { position: relative; padding: 8px 10px; border-top: 1px solid var(--rule); }
  .elements tbody tr > * { border: 0; padding: 0 !important; }
  .elements td { display: flex; justify-content: space-between; white-space: normal; }
  .elements td::before { content: attr(data-label); color: var(--grey); font: 12px/18px Inter, system-ui, sans-serif; }
}
`;

export const findings: Section = { id, name: 'Findings', short: 'Findings', render, style };
