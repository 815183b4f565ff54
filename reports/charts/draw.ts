/** Small parts of charts: marks, and the rules by which they are coloured. */

import { type Html, html } from '../html.ts';
import type { Series } from './series.ts';

export const fixed = (x: number) => Number(x.toFixed(1));

/** Points as the data of a path. */
export function pathOf(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${fixed(x)} ${fixed(y)}`).join('');
}

/** A mark of a series: filled where the cell is proved, hollow where not. */
export function markAt(
  { look, mark }: Pick<Series, 'look' | 'mark'>,
  [x, y]: readonly [number, number],
  proof: 'proved' | 'unproved',
): Html {
  const shapes = {
    circle: 'M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z',
    triangle: 'M0-4L3.7 2.6H-3.7z',
    square: 'M-3-3H3V3H-3z',
    diamond: 'M0-4.2L4.2 0 0 4.2-4.2 0z',
  };
  return html`<path class="dot ${look} ${proof}" transform="translate(${fixed(x)} ${fixed(y)})" d="${shapes[mark]}"/>`;
}

const widths = { 't-scalar': 1.3, 't-sse2': 1.5, 't-avx2': 1.8, 't-avx512': 2.4 };
const coloured = ['scalar', 'sse2', 'avx2', 'avx512', 'other'].map(t => [`t-${t}`, t]);
const asWidest = ['amx', 'neon', 'simd128'].map(t => [`t-${t}`, 'other']);
const peers = [0, 1, 2].map(i => [`peer-${i}`, `peer-${i}`]);

export const chartStyle = `
.chart { display: block; width: 100%; max-width: 520px; overflow: visible; }
.chart text { font-size: 11px; fill: var(--grey); paint-order: stroke; stroke: var(--page); stroke-width: 3px; stroke-linejoin: round; }
.chart .value { fill: var(--ink); font-weight: 600; } .chart .name { fill: var(--ink); }
.chart .axis { stroke: var(--rule); } .chart .base { stroke: var(--rule-strong); }
.chart .line { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round; }
.chart .line.unproved { stroke-dasharray: 4 3; }
.chart .band { fill: currentColor; opacity: 0.16; }
.chart .dot { fill: currentColor; stroke: var(--page); stroke-width: 0.8; }
.chart .dot.unproved { fill: var(--page); stroke: currentColor; stroke-width: 1.3; }
.chart .leader { fill: none; stroke: var(--rule-strong); stroke-width: 1; }
.chart .roof-line { fill: none; stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 1.5 3; }
.chart .under { fill: var(--box); }
.chart .tick { stroke: var(--soft); stroke-width: 1.2; }
.chart .whisker { stroke: currentColor; stroke-width: 1.4; }
.chart .span { stroke: var(--rule-strong); }
.chart .lead-label { font-weight: 700; }
${[...coloured, ...asWidest, ...peers].map(([look, role]) => `.chart .${look} { color: var(--${role}); } .chart text.${look} { fill: var(--${role}-text); }`).join('\n')}
${Object.entries(widths)
  .map(([look, width]) => `.chart .line.${look} { stroke-width: ${width}; }`)
  .join('\n')}
`;
