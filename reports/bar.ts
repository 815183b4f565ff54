/** The bar of error: how far towards its bound, which is the tick; a fail breaks through it. */

import type { Look } from './glyphs.ts';
import { type Html, html } from './html.ts';

/** Where the bound stands, in per cent of the width; beyond it is room to break through. */
const tick = 84;

/**
 * @param share - error as a share of its bound; 1 lies on the tick. Linear up to there, and no further scale
 *   beyond: how far a fail overshoots is the number's to say.
 */
export function errorBar(share: number, verdict: Look): Html {
  const beyond = share > 1;
  const width = beyond ? 93 : Math.max(share, 0) * tick;
  return html`<svg class="bar bar-${verdict}" height="13" aria-hidden="true"${beyond ? html` data-beyond="yes"` : ''}>
<rect class="track" y="4" width="${tick}%" height="5"/>
<rect class="fill" y="4" width="${width.toFixed(1)}%" height="5"/>
${beyond && html`<svg class="fill" x="93%" overflow="visible"><path d="M-1 2.5l5.5 4-5.5 4z"/></svg>`}
<line class="bound" x1="${tick}%" x2="${tick}%" y1="1" y2="12"/></svg>`;
}

/** A share of a roof: how fast, with the roof as the tick at its end. */
export function roofBar(share: number): Html {
  const width = Math.min(share, 1 / (tick / 100)) * tick;
  return html`<svg class="bar bar-roof" height="13" aria-hidden="true">
<rect class="track" y="4" width="${tick}%" height="5"/><rect class="fill" y="4" width="${width.toFixed(1)}%" height="5"/>
<line class="bound" x1="${tick}%" x2="${tick}%" y1="1" y2="12"/></svg>`;
}

export const barStyle = `
.bar { display: block; width: 100%; overflow: visible; }
.bar .track { fill: var(--track); }
.bar .bound { stroke: var(--soft); stroke-width: 1.2; }
.bar-pass .fill { fill: var(--pass); opacity: 0.82; }
.bar-fail .fill { fill: var(--fail); }
.bar-emulated .fill { fill: none; stroke: var(--emulated); }
.bar-fail .bound { stroke: var(--ink); }
.bar-roof .fill { fill: var(--avx2); }
`;
