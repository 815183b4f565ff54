/** Latency by shape, where there are too few row lengths for a line: one row a shape, one mark a tier. */

import { duration, sizes, tickTime, times } from '../format.ts';
import { type Html, html } from '../html.ts';
import { asProved, type Speed } from '../speeds.ts';
import { fixed, markAt } from './draw.ts';
import { fitText, pushApart, textWidth } from './labels.ts';
import { logScale, type Scale } from './scale.ts';
import { type Ceiling, type RoofMark, roofAt, type Series } from './series.ts';

const width = 376;
const margin = 12;
/** From one row's marks to the next row's, without names. */
const rowHeight = 42;
const laneHeight = 14;

interface Mark {
  readonly series: Series;
  readonly speed: Speed;
}

/** What a mark is called, above the row in which it first appears. */
interface Name {
  readonly text: string;
  readonly look: string;
  /** Where its mark lies, and where its own middle does. */
  readonly mark: number;
  readonly place: number;
  readonly lane: number;
}

/** One shape, laid out. */
interface Row {
  readonly title: string;
  readonly marks: readonly Mark[];
  readonly roof: RoofMark | undefined;
  readonly names: readonly Name[];
  readonly head: number;
  readonly middle: number;
}

/** The fastest of a row, with its speed over scalar. */
function gain(marks: readonly Mark[]): string {
  const best = marks
    .filter(m => m.speed.overScalar !== null)
    .toSorted((a, b) => a.speed.timing.median - b.speed.timing.median)[0];
  if (!best) return '';
  return `${best.series.name} ${asProved(times(best.speed.overScalar ?? 1), best.speed)}`;
}

const room = (name: { text: string }) => textWidth(name.text) + 8;

/** Names in as many lanes as they need, neighbours in different ones. */
function placed(names: readonly Omit<Name, 'place' | 'lane'>[]): Name[] {
  const sorted = names.toSorted((a, b) => a.mark - b.mark);
  const lanesOf = (lanes: number) =>
    Array.from({ length: lanes }, (_, lane) => sorted.filter((_, i) => i % lanes === lane));
  const fits = (lane: readonly Omit<Name, 'place' | 'lane'>[]) =>
    lane.reduce((w, n) => w + room(n), 0) <= width;
  let lanes = 1;
  while (lanes < sorted.length && !lanesOf(lanes).every(fits)) lanes++;
  return lanesOf(lanes).flatMap((own, lane) => {
    const places = pushApart(
      own.map(n => n.mark),
      own.map(room),
      [0, width],
    );
    return own.map((n, i) => ({ ...n, place: places[i], lane }));
  });
}

function rowsOf(shapes: readonly { marks: Mark[]; roof: RoofMark | undefined }[], x: Scale): Row[] {
  const named = new Set<string>();
  let head = 14;
  return shapes.map(({ marks, roof }) => {
    const fresh = [
      ...marks.map(m => ({ text: m.series.name, look: m.series.look, mark: x.at(m.speed.timing.median) })),
      ...(roof ? [{ text: roof.name, look: 'roof-label', mark: x.at(roof.median) }] : []),
    ].filter(n => !named.has(`${n.text} ${n.look}`));
    for (const n of fresh) named.add(`${n.text} ${n.look}`);
    const names = placed(fresh);
    const lanes = Math.max(0, ...names.map(n => n.lane + 1));
    const middle = head + 16 + (lanes > 0 ? lanes * laneHeight + 6 : 0);
    const { shape, size } = marks[0].speed.timing;
    const title = shape === size ? sizes(size) : `${shape}, ${sizes(size)}`;
    const row = { title, marks, roof, names, head, middle };
    head = middle + rowHeight - 16;
    return row;
  });
}

/** Ticks whose labels neither touch nor leave the chart. */
function ticksOf(x: Scale): number[] {
  let taken = 0;
  return x.ticks.filter(t => {
    const half = textWidth(tickTime(t)) / 2;
    const fits = x.at(t) - half >= taken && x.at(t) + half <= width;
    if (fits) taken = x.at(t) + half + 8;
    return fits;
  });
}

/** Names, and before them the lines that lead from all of them: a line may pass under a name, not over it. */
function drawNames({ names, middle }: Row): Html {
  const height = (lane: number) => middle - 16 - lane * laneHeight;
  return html`${names.map(
    n =>
      html`<path class="leader" d="M${fixed(n.place)} ${height(n.lane) + 2}L${fixed(n.mark)} ${middle - 6}"/>`,
  )}${names.map(
    n =>
      html`<text class="label ${n.look}" x="${fixed(n.place)}" y="${height(n.lane)}" text-anchor="middle">${n.text}</text>`,
  )}`;
}

function drawRow(row: Row, x: Scale): Html {
  const { title, marks, roof, head, middle: y } = row;
  const at = marks.map(m => x.at(m.speed.timing.median));
  const right = gain(marks);
  return html`<text class="name" x="0" y="${head}">${fitText(title, width - textWidth(right) - 16)}</text>
<text class="value" x="${width}" y="${head}" text-anchor="end">${right}</text>
<path class="span" d="M${fixed(Math.min(...at))} ${y}H${fixed(Math.max(...at))}"/>
${roof && html`<path class="tick" d="M${fixed(x.at(roof.median))} ${y - 6}V${y + 6}"/>`}
${marks.map(
  (
    { series, speed },
    i,
  ) => html`<path class="whisker ${series.look}" d="M${fixed(x.at(speed.timing.low))} ${y}H${fixed(x.at(speed.timing.high))}"/>
${markAt(series, [at[i], y], speed.proved ? 'proved' : 'unproved')}`,
)}
${drawNames(row)}`;
}

/** @param about - what the chart shows, for who can't see it. */
export function shapeChart(series: readonly Series[], ceilings: readonly Ceiling[], about: string): Html {
  const marks = series.flatMap(s => s.speeds.map((speed): Mark => ({ series: s, speed })));
  const shapes = [...new Set(marks.map(m => m.speed.timing.shape))].map(shape => {
    const own = marks.filter(m => m.speed.timing.shape === shape);
    return { marks: own, roof: roofAt(ceilings, own[0].speed.timing) };
  });
  const values = [
    ...marks.flatMap(m => [m.speed.timing.low, m.speed.timing.high]),
    ...shapes.flatMap(s => (s.roof ? [s.roof.median] : [])),
  ];
  const x = logScale(values, [margin, width - margin], { margin: 0.04, least: 5 });
  const rows = rowsOf(shapes, x);
  const bottom = rows[rows.length - 1].middle + 12;
  return html`<svg class="chart" viewBox="0 0 ${width} ${bottom + 36}" role="img" aria-label="${about}">
${ticksOf(x).map(t => html`<path class="axis" d="M${fixed(x.at(t))} 22V${bottom}"/><text x="${fixed(x.at(t))}" y="${bottom + 14}" text-anchor="middle">${tickTime(t)}</text>`)}
<path class="base" d="M0 ${bottom}H${width}"/><text x="${width / 2}" y="${bottom + 30}" text-anchor="middle">median latency of a call, log scale</text>
${rows.map(row => drawRow(row, x))}</svg>`;
}

/** Medians in words, for the description of a chart. */
export function spoken(speeds: readonly Speed[]): string {
  return speeds.map(s => `${s.timing.tier} ${asProved(duration(s.timing.median), s)}`).join(', ');
}
