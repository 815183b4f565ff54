/** Latency against row length, both logarithmic: one line a tier, labelled at its end, above its roof. */

import { duration, tickCount, tickTime } from '../format.ts';
import { type Html, html } from '../html.ts';
import { asProved } from '../speeds.ts';
import { fixed, markAt, pathOf } from './draw.ts';
import { chartFont, pushApart, textWidth } from './labels.ts';
import { logScale } from './scale.ts';
import { type Ceiling, roofAt, type Series } from './series.ts';

const width = 376;
const plotHeight = 208;
const top = 10;
const lineHeight = 14;

/** Ticks at the lengths that were measured, without those whose labels would touch; the ends stay. */
function xTicks(ns: readonly number[], at: (n: number) => number): number[] {
  const room = (n: number) => textWidth(tickCount(n)) / 2 + 3;
  const last = ns[ns.length - 1];
  const kept = [ns[0]];
  for (const n of ns.slice(1, -1)) {
    const before = kept[kept.length - 1];
    if (at(n) - at(before) >= room(n) + room(before) && at(last) - at(n) >= room(n) + room(last))
      kept.push(n);
  }
  return [...kept, last];
}

/**
 * @param series - lines, each with at least one point; points are sorted by row length here.
 * @param about - what the chart shows, for who can't see it.
 */
export function curveChart(
  series: readonly Series[],
  ceilings: readonly Ceiling[],
  rows: number,
  about: string,
): Html {
  const lines = series.map(s => ({ ...s, speeds: s.speeds.toSorted((a, b) => a.timing.n - b.timing.n) }));
  const all = lines.flatMap(s => s.speeds.map(p => p.timing));
  const ns = [...new Set(all.map(t => t.n))].sort((a, b) => a - b);
  const roof = ns.flatMap(n => {
    const found = all.filter(t => t.n === n).map(t => roofAt(ceilings, t));
    const mark = found.find(m => m !== undefined);
    return mark ? [{ n, ...mark }] : [];
  });
  const ends = lines.map(line => {
    const end = line.speeds[line.speeds.length - 1];
    const text = asProved(duration(end.timing.median), end);
    return { look: line.look, name: line.name, text, n: end.timing.n, median: end.timing.median };
  });
  const roofEnd = roof.at(-1);
  if (roofEnd) {
    ends.push({ look: 'roof-label', text: duration(roofEnd.median), ...roofEnd });
  }
  const labelWidth = Math.max(...ends.map(e => textWidth(`${e.name} ${e.text}`)));
  const right = width - labelWidth - 18;
  const bottom = top + Math.max(plotHeight, ends.length * lineHeight + 20);
  const y = logScale([...all.flatMap(t => [t.low, t.high]), ...roof.map(r => r.median)], [bottom, top], {
    margin: 0.06,
    least: 5,
  });
  const left = Math.max(...y.ticks.map(t => textWidth(tickTime(t)))) + 7;
  const x = logScale(ns, [left, right], { margin: 0, least: 1 });
  const places = pushApart(
    ends.map(e => y.at(e.median)),
    ends.map(() => lineHeight),
    [top - 4, bottom + 4],
  );
  const leader = Math.min(...ends.map(e => e.median));
  const roofPoints = roof.map(r => [x.at(r.n), y.at(r.median)] as const);
  const height = bottom + 36;
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${about}">
${
  roofPoints.length > 1 &&
  html`<path class="under" d="${pathOf([...roofPoints, [roofPoints[roofPoints.length - 1][0], bottom], [roofPoints[0][0], bottom]])}z"/><path class="roof-line" d="${pathOf(roofPoints)}"/>`
}
${y.ticks.map(t => html`<path class="axis" d="M${left} ${fixed(y.at(t))}H${fixed(right)}"/><text x="${left - 6}" y="${fixed(y.at(t) + 4)}" text-anchor="end">${tickTime(t)}</text>`)}
<path class="base" d="M${left} ${bottom}H${fixed(right)}"/>
${xTicks(ns, x.at).map(n => html`<path class="base" d="M${fixed(x.at(n))} ${bottom}v4"/><text x="${fixed(x.at(n))}" y="${bottom + 16}" text-anchor="middle">${tickCount(n)}</text>`)}
<text x="${fixed((left + right) / 2)}" y="${bottom + 32}" text-anchor="middle">row length, ${rows === 1 ? '1 row' : `${rows} rows`}</text>
${lines.map(({ look, mark, speeds }) => {
  const points = speeds.map(p => [x.at(p.timing.n), y.at(p.timing.median)] as const);
  const band = [
    ...speeds.map(p => [x.at(p.timing.n), y.at(p.timing.high)] as const),
    ...speeds.map(p => [x.at(p.timing.n), y.at(p.timing.low)] as const).reverse(),
  ];
  const proof = speeds.every(p => p.proved) ? 'proved' : 'unproved';
  return html`<path class="band ${look}" d="${pathOf(band)}z"/><path class="line ${look} ${proof}" d="${pathOf(points)}"/>${points.map((p, i) => markAt({ look, mark }, p, speeds[i].proved ? 'proved' : 'unproved'))}`;
})}
${ends.map((e, i) => {
  const from = fixed(x.at(e.n) + 5);
  const to = fixed(right + 14);
  const look = e.median === leader && e.look !== 'roof-label' ? ' lead-label' : '';
  return html`<path class="leader" d="M${from} ${fixed(y.at(e.median))}L${to} ${fixed(places[i])}"/>
<text class="label ${e.look}${look}" x="${to + 3}" y="${fixed(places[i] + chartFont * 0.36)}">${e.name} ${e.text}</text>`;
})}</svg>`;
}
