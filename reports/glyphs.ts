/** Verdicts as a shape first, a word second, a colour third. */

import { verdicts } from '../src/run/document.ts';
import { type Html, html } from './html.ts';

/** How a verdict is shown: a pass on an emulated CPU alone is not green. */
export const looks = [...verdicts, 'emulated'] as const;
export type Look = (typeof looks)[number];

/** The word of each and what it claims. */
export const verdictWords: Readonly<Record<Look, { word: string; means: string }>> = {
  pass: {
    word: 'pass',
    means: 'executed here, on this build, and every check held. Nothing else is ever green',
  },
  fail: { word: 'fail', means: 'a check did not hold; a case that shows it is attached' },
  unsupported: { word: 'unsupported', means: 'the kernel says no to every case. Not a pass' },
  unavailable: { word: 'unavailable', means: 'this machine cannot run the tier' },
  'not-run': { word: 'not run', means: 'the kernel exists and was not executed' },
  emulated: {
    word: 'emulated',
    means: 'executed on this build and every check held, but on an emulated CPU alone',
  },
};

const shapes: Readonly<Record<Look, Html>> = {
  pass: html`<circle cx="8" cy="8" r="7" fill="currentColor"/><path class="g-knock" d="M4.7 8.3l2.3 2.3 4.3-4.8"/>`,
  fail: html`<rect x="1" y="1" width="14" height="14" rx="2" fill="currentColor"/><path class="g-knock" d="M5 5l6 6M11 5l-6 6"/>`,
  unsupported: html`<circle class="g-line" cx="8" cy="8" r="6.3"/><path class="g-line" d="M5 8h6"/>`,
  unavailable: html`<rect class="g-line" x="1.7" y="1.7" width="12.6" height="12.6" rx="1.5"/><path class="g-line" d="M2 10l8-8M2 14L14 2M6 14l8-8"/>`,
  'not-run': html`<circle class="g-line g-dots" cx="8" cy="8" r="6.3"/>`,
  emulated: html`<circle class="g-line" cx="8" cy="8" r="6.3"/><path class="g-line" d="M4.7 8.3l2.3 2.3 4.3-4.8"/>`,
};

/** The shapes, once a page, for `glyph` to point at. */
export const glyphSheet: Html = html`<svg width="0" height="0" class="sheet" aria-hidden="true">${looks.map(
  v => html`<symbol id="g-${v}" viewBox="0 0 16 16">${shapes[v]}</symbol>`,
)}</svg>`;

/** A verdict's shape, where its word stands beside it. */
export function glyph(verdict: Look): Html {
  return html`<svg class="glyph v-${verdict}" width="14" height="14" aria-hidden="true"><use href="#g-${verdict}"/></svg>`;
}

/** A verdict's shape with its word for those who don't see it. */
export function glyphAlone(verdict: Look): Html {
  const { word } = verdictWords[verdict];
  return html`<svg class="glyph v-${verdict}" width="14" height="14" role="img" aria-label="${word}"><title>${word}</title><use href="#g-${verdict}"/></svg>`;
}

export const glyphStyle = `
.sheet { position: absolute; }
.glyph { flex: none; vertical-align: -2px; }
.g-knock { fill: none; stroke: var(--page); stroke-width: 1.9; stroke-linecap: round; stroke-linejoin: round; }
.g-line { fill: none; stroke: currentColor; stroke-width: 1.4; }
.g-dots { stroke-dasharray: 1.6 2; }
.v-pass { color: var(--pass); }
.v-fail { color: var(--fail); }
.v-emulated { color: var(--emulated); }
.v-unsupported, .v-unavailable, .v-not-run { color: var(--grey); }
`;
