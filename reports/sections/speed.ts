/** Speed: how long a call takes, against row length or by shape, beside the roof that it stands under. */

import type { FloatDtype } from '../../src/case/dtype.ts';
import { floatDtypes } from '../../src/case/dtype.ts';
import { fewestForQuartiles, type Timing } from '../../src/run/document.ts';
import { shapeChart, spoken } from '../charts/by-shape.ts';
import { curveChart } from '../charts/curve.ts';
import { chartStyle } from '../charts/draw.ts';
import { seriesOf } from '../charts/series.ts';
import { count, counted, duration, inUnit, list, percent, rate, sizes, times, timeUnit } from '../format.ts';
import { type Content, type Html, html } from '../html.ts';
import { type Clock, distinct, grouped, type Ledger, onClock } from '../ledger.ts';
import { toCell } from '../links.ts';
import { asProved, headlineSize, leaders, overText, type Speed, speedsOf } from '../speeds.ts';
import { gapsOf } from '../untimed-words.ts';
import { headingId, type Section } from './section.ts';

const id = 'speed';

/** So many row lengths make a line; fewer are shown by shape. */
const enoughForALine = 3;

/** Speeds that share rows and threads, split into those that make lines and the rest. */
function split(speeds: readonly Speed[]): { curves: Speed[][]; rest: Speed[] } {
  const groups = [...grouped(speeds, s => JSON.stringify([s.timing.rows, s.timing.threads])).values()];
  const isCurve = (g: readonly Speed[]) => distinct(g.map(s => s.timing.n)).length >= enoughForALine;
  const curves = groups.filter(isCurve).toSorted((a, b) => b[0].timing.rows - a[0].timing.rows);
  return { curves, rest: groups.filter(g => !isCurve(g)).flat() };
}

/** `avx512 is 3.1× to 4.2× native scalar.`: of the tier that is fastest at the end of the lines. */
function gainSentence(speeds: readonly Speed[]): string {
  const native = speeds.filter(s => s.timing.provider === 'native' && s.proved);
  const largest = Math.max(...native.map(s => s.timing.n));
  const best = native
    .filter(s => s.timing.n === largest && s.overScalar !== null)
    .toSorted((a, b) => a.timing.median - b.timing.median)[0];
  if (!best) return '';
  const own = native.filter(
    s => s.timing.tier === best.timing.tier && s.timing.kernel === best.timing.kernel,
  );
  const gains = own.map(s => s.overScalar ?? 1);
  const [low, high] = [times(Math.min(...gains)), times(Math.max(...gains))];
  const range = low === high ? low : `${low} to ${high}`;
  return `${best.timing.tier} has ${range} the speed of scalar.`;
}

function chartBlock(title: string, meta: string, speeds: readonly Speed[], chart: Html): Html {
  return html`<div class="block"><div class="block-head"><h4>${title}</h4><span class="note">${meta}</span></div><p class="chart-says">${gainSentence(speeds)}</p>${chart}</div>`;
}

function charts(op: string, dtype: FloatDtype, speeds: readonly Speed[], run: Ledger['run']): Html[] {
  const { curves, rest } = split(speeds);
  const threads = (s: readonly Speed[]) => counted(s[0].timing.threads, 'thread');
  const drawn = curves.map(own => {
    const { rows } = own[0].timing;
    const about = `Latency of ${op} ${dtype} by row length at ${counted(rows, 'row')}. At the longest: ${spoken(own.filter(s => s.timing.n === Math.max(...own.map(o => o.timing.n))))}`;
    const chart = curveChart(seriesOf(own), run.ceilings, rows, about);
    return chartBlock(`${op}, ${dtype}`, `log–log, band low to high, ${threads(own)}`, own, chart);
  });
  if (rest.length > 0) {
    const about = `Latency of ${op} ${dtype} by shape. ${spoken(rest)}`;
    const chart = shapeChart(seriesOf(rest), run.ceilings, about);
    drawn.push(
      chartBlock(`${op}, ${dtype}, by shape`, `whiskers low to high, ${threads(rest)}`, rest, chart),
    );
  }
  return drawn;
}

/** Of so few samples that the interval is from the least to the greatest, how many there are. */
function fewSamples({ blocks }: Timing): string {
  const samples = blocks.flat().length;
  return samples < fewestForQuartiles ? ` of ${samples}` : '';
}

function speedRow(speed: Speed, peers: readonly string[], ledger: Ledger): Html {
  const { timing, overScalar } = speed;
  const unit = timeUnit(timing.median);
  const who =
    timing.provider === 'native' ? '' : html` <span class="grey">${timing.provider} ${timing.kernel}</span>`;
  return html`<tr><th scope="row">${toCell(ledger, timing, timing.tier)}${who}</th><td class="n">${asProved(duration(timing.median), speed)}</td>
<td class="n grey range">${inUnit(timing.low, unit)} to ${inUnit(timing.high, unit)}${fewSamples(timing)}</td><td class="n rate">${rate(timing)}</td>
<td class="n">${timing.ofRoof === null ? '–' : asProved(percent(timing.ofRoof), speed)}</td><td class="n">${overScalar === null ? '–' : asProved(times(overScalar), speed)}</td>${peers.map(peer => html`<td class="n">${overText(timing, peer, ledger.run.timings)}</td>`)}</tr>`;
}

function table(op: string, dtype: string, shapes: readonly (readonly Speed[])[], ledger: Ledger): Html {
  const peers = ledger.peers.filter(peer => shapes.flat().some(s => s.timing.provider === peer));
  return html`<table class="speeds"><caption class="sr">${op} ${dtype}: medians by shape and tier</caption>
<thead><tr><th scope="col">shape, tier</th><th scope="col" class="n">median</th><th scope="col" class="n range">low to high</th><th scope="col" class="n rate">rate</th><th scope="col" class="n">of its roof</th><th scope="col" class="n">over scalar</th>${peers.map(peer => html`<th scope="col" class="n over">over ${peer}</th>`)}</tr></thead>
${shapes.map(own => {
  const { shape, size, threads, roof } = own[0].timing;
  const name = shape === size ? '' : shape;
  return html`<tbody><tr class="shape-line"><th scope="rowgroup" colspan="${6 + peers.length}"><b>${sizes(size)}</b> ${name}${threads > 1 && `, ${threads} threads`} <span class="roof-name">roof: ${roof}</span></th></tr>${own.map(s => speedRow(s, peers, ledger))}</tbody>`;
})}</table>`;
}

/** The headline shape in sight, the others in a fold. */
function tables(op: Timing['op'], dtype: string, speeds: readonly Speed[], ledger: Ledger): Html {
  const headline = headlineSize(ledger.run, op);
  const shapes = [
    ...grouped(speeds, s => JSON.stringify([s.timing.shape, s.timing.size, s.timing.threads])).values(),
  ];
  const first = shapes.filter(own => own[0].timing.size === headline);
  const shown = first.length > 0 ? first : shapes.slice(0, 1);
  const others = shapes.filter(own => !shown.includes(own));
  return html`<div>${table(op, dtype, shown, ledger)}
${others.length > 0 && html`<details class="more"><summary class="fold note">${counted(others.length, 'more shape')}</summary>${table(op, dtype, others, ledger)}</details>`}</div>`;
}

function opBlock(op: Timing['op'], speeds: readonly Speed[], ledger: Ledger): Html {
  const dtypes = floatDtypes.filter(d => speeds.some(s => s.timing.dtype === d));
  return html`<h3 class="op-heading">${op}</h3><div class="speed-columns">${dtypes.map(dtype => {
    const own = speeds.filter(s => s.timing.dtype === dtype);
    return html`<div class="speed-column">${charts(op, dtype, own, ledger.run)}${tables(op, dtype, own, ledger)}</div>`;
  })}</div>`;
}

/** Who leads at the headline shapes, in words. */
function leadSentence(speeds: readonly Speed[], { run }: Ledger): string {
  const best = leaders(speeds, run);
  const sentences = [...grouped(best, s => s.timing.op).values()].map(own => {
    const at = `${own[0].timing.op} at ${sizes(own[0].timing.size)}`;
    const byLeader = [...grouped(own, s => s.timing.tier)].map(
      ([tier, led]) => `${tier} in ${list(led.map(s => s.timing.dtype))}`,
    );
    const shares = own.flatMap(s => (s.timing.ofRoof === null ? [] : [s.timing.ofRoof]));
    const ends = distinct([Math.min(...shares), Math.max(...shares)].map(percent));
    const of = shares.length === 0 ? '' : `, at ${ends.join(' to ')} of its roof, ${own[0].timing.roof}`;
    return `${at}: the fastest proved native tier is ${list(byLeader)}${of}.`;
  });
  return sentences.join(' ');
}

/** What was not timed, by reason. */
function gapsBlock(run: Ledger['run']): Content {
  const all = gapsOf(run);
  if (all.length === 0) return '';
  return html`<h3 class="op-heading">Not timed</h3>${all.map(
    ({ reason, gaps }) =>
      html`<table class="gaps"><caption>${reason}</caption><tbody>${gaps.map(
        ({ shape, size, who, takes }) =>
          html`<tr><th scope="row">${shape} <span class="grey">${sizes(size)}</span></th><td>${who}</td><td class="n grey">${takes}</td></tr>`,
      )}</tbody></table>`,
  )}`;
}

function render(ledger: Ledger): Html {
  const { clocks } = ledger;
  const heading = html`<h2 id="${headingId(id)}">Speed</h2>`;
  if (clocks.length === 0) {
    return html`${heading}<p class="lead">Nothing was timed in this run.</p>${gapsBlock(ledger.run)}`;
  }
  return html`${heading}${clocks.map(clock => clockBlock(clock, ledger))}`;
}

/** What one machine timed; named where there are several. */
function clockBlock(clock: Clock, whole: Ledger): Html {
  const run = onClock(whole.run, clock);
  const ledger = { ...whole, run };
  const speeds = speedsOf(ledger);
  const unproved = speeds.filter(s => !s.proved).length;
  const samples = run.timings.reduce((sum, t) => sum + t.blocks.reduce((n, b) => n + b.length, 0), 0);
  const note = `${counted(run.timings.length, 'timing')} of ${count(samples)} samples.${unproved > 0 ? ` ${count(unproved)} in ( ) ${unproved === 1 ? 'has' : 'have'} no proof in this run.` : ''}`;
  const says = leadSentence(speeds, ledger) || 'Nothing that was timed is proved in this run.';
  const where = whole.clocks.length > 1 && html`<h3>On ${clock.machine.model}</h3>`;
  return html`${where}<p class="lead">${says} ${note}</p>
${[...grouped(speeds, s => s.timing.op)].map(([, own]) => opBlock(own[0].timing.op, own, ledger))}
${gapsBlock(run)}`;
}

const style = `${chartStyle}
.op-heading { margin-bottom: 12px; }
.speed-columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 32px 24px; }
.speed-columns + .op-heading, .gaps + .op-heading { margin-top: 40px; }
.speed-column { display: grid; gap: 24px; align-content: start; min-width: 0; max-width: 648px; }
.chart-says { font-size: 12px; line-height: 18px; color: var(--soft); min-height: 18px; margin-bottom: 10px; }
.speeds .n { padding-left: 6px; }
.speeds .shape-line th { padding-top: 10px; color: var(--grey); border-top: 0 !important; border-bottom: 1px solid var(--rule-strong); }
.speeds .roof-name { float: right; font-weight: 400; }
.speeds .shape-line b { font-weight: 600; color: var(--ink); }
.speeds tbody tr:nth-child(2) > * { border-top: 0; }
.speeds a { text-decoration: none; } .speeds a:hover { text-decoration: underline; }
.more { margin-top: 8px; }
.gaps { margin-bottom: 16px; table-layout: fixed; }
.gaps caption { text-align: left; color: var(--soft); font-size: 12px; line-height: 18px; padding-bottom: 4px; }
.gaps th { font-weight: 400; width: 42%; } .gaps th, .gaps td { padding-right: 12px; } .gaps .n { white-space: normal; width: 18%; padding: 3px 0; }
.over { white-space: normal !important; max-width: 90px; }
@media (max-width: 720px) { .range, .rate { display: none; } }
`;

export const speed: Section = { id, name: 'Speed', short: 'Speed', render, style };
