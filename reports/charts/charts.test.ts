import { describe, expect, it } from 'vitest';
import type { Run, Timing } from '../../src/run/document.ts';
import { renderReport } from '../report.ts';
import { all, byClass, type Element, parse, textOf } from '../testing/markup.ts';
import { greenRun, passCell, plantedRun } from '../testing/sample.ts';
import { chartFont, textWidth } from './labels.ts';
import { logScale, logTicks } from './scale.ts';

interface Box {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The box of a text, from what the markup says and the width estimated for its letters. */
function boxOf(element: Element): Box {
  const { x, y, 'text-anchor': anchor = 'start' } = element.attributes;
  const text = textOf(element);
  const width = textWidth(text);
  const left = Number(x) - { start: 0, middle: width / 2, end: width }[anchor as 'start' | 'middle' | 'end'];
  return {
    text,
    left,
    right: left + width,
    top: Number(y) - chartFont * 0.8,
    bottom: Number(y) + chartFont * 0.22,
  };
}

const overlap = (a: Box, b: Box) =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Pairs of texts that overlap in any chart of a run's page, and texts that leave their chart. */
function faults(run: Run): string[] {
  const charts = byClass(parse(renderReport(run)), 'chart');
  expect(charts.length).toBeGreaterThan(0);
  return charts.flatMap(chart => {
    const [, , width, height] = chart.attributes.viewBox.split(' ').map(Number);
    const boxes = all(chart, e => e.tag === 'text').map(boxOf);
    const pairs = boxes.flatMap((a, i) =>
      boxes.slice(i + 1).flatMap(b => (overlap(a, b) ? [`${a.text} | ${b.text}`] : [])),
    );
    const out = boxes.filter(b => b.left < -1 || b.right > width + 1 || b.top < -1 || b.bottom > height + 1);
    return [...pairs, ...out.map(b => `${b.text} leaves the chart`)];
  });
}

/** Timings of every tier that there is and of three libraries, all but the same: lines that end together. */
function crowded(change: (timing: Timing, i: number) => Timing): Run {
  const base = greenRun();
  const names = ['scalar', 'sse2', 'avx2', 'avx512', 'amx', 'neon', 'simd128', 'a-tier-of-a-stranger'];
  const cells = [
    ...names.map(tier => passCell('lanes32', tier, 'f32')),
    ...['onnxruntime', 'ggml', 'a library of a very long name'].map(provider => ({
      ...passCell('k', 'avx2', 'f32'),
      provider,
    })),
  ];
  const template = base.timings.filter(t => t.tier === 'scalar' && t.dtype === 'f32');
  const timings = cells.flatMap((cell, i) =>
    template.map(t => change({ ...t, provider: cell.provider, kernel: cell.kernel, tier: cell.tier }, i)),
  );
  return { ...base, cells, timings };
}

describe('labels of charts', () => {
  it.each([
    ['the green run', greenRun()],
    ['the planted run', plantedRun()],
    ['lines that end in one point', crowded(t => t)],
    ['lines a hair apart', crowded((t, i) => ({ ...t, median: t.median * (1 + i * 1e-3) }))],
    [
      'lines of very different height',
      crowded((t, i) => ({ ...t, median: t.median * 5 ** i, high: t.high * 5 ** i, low: t.low * 5 ** i })),
    ],
    ['many row lengths', crowded((t, i) => ({ ...t, n: t.n + i * 37, shape: `${t.shape} ${i}` }))],
    ['one row length, one shape', { ...greenRun(), timings: greenRun().timings.slice(4, 5) }],
  ])('do not overlap and stay inside: %s', (_, run) => {
    expect(faults(run)).toEqual([]);
  });

  it('would be found if they did', () => {
    const text = (x: string, y: string): Element => ({
      tag: 'text',
      attributes: { x, y },
      children: ['avx2'],
    });
    expect(overlap(boxOf(text('10', '20')), boxOf(text('20', '24')))).toBe(true);
    expect(overlap(boxOf(text('10', '20')), boxOf(text('10', '34')))).toBe(false);
  });
});

describe('a line chart', () => {
  const charts = byClass(parse(renderReport(greenRun())), 'chart');

  it('has a line, a band and a label for each tier, and memcpy as its roof', () => {
    const curves = charts.filter(c => byClass(c, 'line').length > 0);
    expect(curves).toHaveLength(3);
    for (const chart of curves) {
      expect(byClass(chart, 'line')).toHaveLength(4);
      expect(byClass(chart, 'band')).toHaveLength(4);
      expect(byClass(chart, 'roof-line')).toHaveLength(1);
      const labels = byClass(chart, 'label').map(l => textOf(l).split(' ')[0]);
      expect(labels.sort()).toEqual(['avx2', 'avx512', 'memcpy', 'scalar', 'sse2']);
    }
  });

  it('gives way to a chart by shape where there are fewer than three row lengths', () => {
    expect(charts.filter(c => byClass(c, 'line').length === 0)).toHaveLength(3);
  });

  it('draws what is not proved dashed and hollow, its time in parentheses', () => {
    const chart = byClass(parse(renderReport(plantedRun())), 'chart')[0];
    expect(byClass(chart, 'line').filter(l => l.attributes.class.includes('unproved'))).toHaveLength(1);
    expect(
      byClass(chart, 'peer-0')
        .filter(e => e.tag === 'text')
        .map(textOf),
    ).toEqual([expect.stringMatching(/^mutants \(.+\)$/)]);
  });
});

describe('ticks', () => {
  it('are powers of ten over many decades, 1-2-5 over few', () => {
    expect(logTicks(90, 11_000)).toEqual([100, 1000, 10_000]);
    expect(logTicks(90, 1100)).toEqual([100, 200, 500, 1000]);
    expect(logTicks(0.9, 5)).toEqual([1, 2, 5]);
  });
});

describe('a scale', () => {
  it('has two ticks however close its values are', () => {
    for (const value of [1, 1.5, 3.3, 7.1e5, 9.9e8]) {
      const { ticks, at } = logScale([value, value * 1.001], [0, 100], { margin: 0.1, least: 5 });
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(at(value)).toBeCloseTo(50, 0);
    }
  });

  it('spreads values by their logarithm, from end to end', () => {
    const { at } = logScale([1, 100], [0, 10], { margin: 0, least: 1 });
    expect([1, 10, 100].map(at).map(Math.round)).toEqual([0, 5, 10]);
  });
});
