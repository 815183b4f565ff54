/** How to read the page: the bar, the verdicts, the words, and how each thing was measured. */

import { glyph, looks, verdictWords } from '../glyphs.ts';
import { type Html, html } from '../html.ts';
import { precisionLimit } from '../ledger.ts';
import { headingId, type Section } from './section.ts';

const id = 'methods';

/** A cell of the map, taken apart. */
const cellDiagram = html`<svg class="diagram" viewBox="0 0 460 172" role="img" aria-label="A cell of the tier map from left to right: the verdict's shape; a bar for the worst error with a tick at the bound; error over its limit as a number, which fails above 1; speed over native scalar">
<rect class="frame" x="1" y="58" width="440" height="56"/>
<g class="d-line"><path d="M30 42v14M227 42v14M395 42v14M96 116v14M280 116v14"/></g>
<svg class="v-pass" x="18" y="74" width="24" height="24"><use href="#g-pass"/></svg>
<rect class="d-track" x="68" y="79" width="159" height="14"/><rect class="d-fill" x="68" y="79" width="54" height="14"/><path class="d-bound" d="M227.5 74v24"/>
<text class="d-big" x="252" y="94">0.34</text><text class="d-big" x="424" y="94" text-anchor="end">4.1×</text>
<g class="d-text"><text class="d-name" x="27" y="22">verdict</text><text x="27" y="35">shape first</text>
<text class="d-name" x="227" y="22" text-anchor="middle">the bound</text><text x="227" y="35" text-anchor="middle">what a correct kernel may err</text>
<text class="d-name" x="395" y="22" text-anchor="middle">speed</text><text x="395" y="35" text-anchor="middle">over native scalar</text>
<text class="d-name" x="92" y="145">worst error</text><text x="92" y="158">the worse of two checks</text>
<text class="d-name" x="280" y="145" text-anchor="middle">error ÷ limit</text><text x="280" y="158" text-anchor="middle">fails above 1</text></g></svg>`;

const words: readonly (readonly [string, string])[] = [
  ['cell', 'one kernel of one provider, in one tier, for one dtype: the unit of every verdict and figure'],
  ['tier', 'the CPU features that a kernel was compiled for. A forced tier never falls back to another'],
  [
    'error',
    'distance from the float64 value to the nearest number that rounds to what was seen; 0 when correctly rounded',
  ],
  ['bound', 'the most that any correct f32 kernel may err, in any order of summation, with or without FMA'],
  [
    'precision',
    `root mean square of error over the size that f32 arithmetic ordinarily gives, on unstructured data; limit ${precisionLimit}`,
  ],
  [
    'bar',
    `the worse of the two, each over its limit. Linear up to the tick; beyond it, the number tells how far`,
  ],
  ['digest', 'SHA-256 of the outputs on a fixed set of cases: equal digests are equal bits'],
  [
    'median',
    'of all samples, nanoseconds a call, by a clock inside native code; low to high are their quartiles; `of 3` says that there were so few, and the interval is all of them',
  ],
  [
    'roof',
    'the best that the machine did in the same run: a memcpy of the same buffers, reading the same bytes, or multiply-adds of the tier in registers; 100 % is as fast',
  ],
  ['over scalar', "native scalar's median over this one, same shape, dtype and threads"],
  ['peer', "somebody else's library, proved and timed in the same run: shown apart, no part of the verdict"],
  ['over PEER', "the peer's time over this one at the same shape: the median of the ratios of all blocks"],
  ['( )', 'a time whose cell, or whose baseline, was not proved in this run'],
];

function render(): Html {
  return html`<h2 id="${headingId(id)}">How to read this page</h2>
<p class="lead">Results are compared with a float64 reference and a bound on error; a kernel runs in a process of its own, between inaccessible pages.</p>
<div class="grid"><div class="span-6 methods-column"><div class="block"><h3>A cell of the tier map</h3>${cellDiagram}</div>
<div class="block"><h3>Verdicts</h3><table><tbody>${looks.map(
    v =>
      html`<tr><th scope="row" class="verdict-word"><span class="mark">${glyph(v)} ${verdictWords[v].word}</span></th><td>${verdictWords[v].means}</td></tr>`,
  )}</tbody></table></div></div>
<div class="span-6 block"><h3>Words</h3><dl class="words">${words.map(([word, means]) => html`<div><dt>${word}</dt><dd>${means}</dd></div>`)}</dl></div></div>`;
}

const style = `
.methods-column { display: grid; gap: 32px; align-content: start; }
.diagram { display: block; width: 100%; max-width: 520px; margin: 12px auto 0; }
.frame { fill: none; stroke: var(--rule-strong); stroke-width: 1.2; }
.d-line { stroke: var(--soft); fill: none; }
.d-track { fill: var(--track); } .d-fill { fill: var(--pass); opacity: 0.82; } .d-bound { stroke: var(--ink); stroke-width: 1.4; }
.d-big { font-size: 20px; fill: var(--ink); }
.d-text { font-size: 11px; fill: var(--grey); } .d-name { font-weight: 600; fill: var(--ink); }
.verdict-word { width: 130px; }
.methods-column td, .words dd { color: var(--soft); }
.words > div { display: grid; grid-template-columns: 88px minmax(0, 1fr); gap: 12px; padding: 5px 0; font-size: 12px; line-height: 18px; }
.words dt { font-weight: 500; }
`;

export const methods: Section = { id, name: 'Methods', short: 'Methods', render, style };
