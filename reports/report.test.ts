import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Run } from '../src/run/document.ts';
import { verdictWords } from './glyphs.ts';
import { headline } from './headline.ts';
import { cellId, ledgerOf } from './ledger.ts';
import { renderReport } from './report.ts';
import { sections } from './sections/index.ts';
import { auditedRun } from './testing/audited.ts';
import { all, byClass, byId, byTag, type Element, hasClass, parse, textOf } from './testing/markup.ts';
import { peeredRun } from './testing/peered.ts';
import { emulatedRun, greenRun, passCell, plantedRun } from './testing/sample.ts';

const runs: Readonly<Record<string, Run>> = {
  green: greenRun(),
  planted: plantedRun(),
  peered: peeredRun(),
  audited: auditedRun(),
  emulated: emulatedRun(3),
  'timings only': { ...plantedRun(), cells: [], throughput: null },
  empty: {
    ...greenRun(),
    providers: [],
    cells: [],
    findings: [],
    edges: [],
    timings: [],
    ceilings: [],
    throughput: null,
    tool: { version: '0.1.0', commit: null },
  },
};

describe.each(Object.entries(runs))('the page of the %s run', (_, run) => {
  const markup = renderReport(run);
  const page = parse(markup);
  const ids = all(page, e => 'id' in e.attributes).map(e => e.attributes.id);

  it('is the same text for the same run', () => {
    expect(renderReport(structuredClone(run))).toBe(markup);
  });

  it('fetches nothing', () => {
    expect(markup).not.toMatch(/https?:\/\//i);
    expect(byTag(page, 'style').map(textOf).join('')).not.toMatch(/url\(|@import|@font-face/);
    const addresses = all(page, e => 'href' in e.attributes || 'src' in e.attributes);
    for (const e of addresses) expect(e.attributes.src ?? e.attributes.href).toMatch(/^#./);
  });

  it('allows exactly its own style and script, by digest', () => {
    const policy = all(page, e => e.attributes['http-equiv'] === 'Content-Security-Policy')[0].attributes
      .content;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    for (const tag of ['style', 'script']) {
      const [own, ...more] = byTag(page, tag);
      expect(more).toEqual([]);
      const digest = createHash('sha256').update(String(own.children[0])).digest('base64');
      expect(policy).toContain(`${tag}-src 'sha256-${digest}'`);
    }
    expect(all(page, e => Object.keys(e.attributes).some(a => a === 'style' || a.startsWith('on')))).toEqual(
      [],
    );
  });

  it('gives each id once, and every link leads somewhere', () => {
    expect(new Set(ids).size).toBe(ids.length);
    for (const e of all(page, e => 'href' in e.attributes)) expect(ids).toContain(e.attributes.href.slice(1));
    for (const e of all(page, e => 'aria-labelledby' in e.attributes)) {
      expect(ids).toContain(e.attributes['aria-labelledby']);
    }
  });

  it('links every section from the bar on top', () => {
    const links = byTag(byTag(page, 'nav')[0], 'a').map(a => a.attributes.href);
    const own = sections.filter(s => s.id !== 'audit' || run.audit);
    expect(links).toEqual(own.map(s => `#${s.id}`));
    for (const { id } of own) expect(byId(page, id).tag).toBe('section');
  });

  it('has headings without a gap in their order', () => {
    const levels = all(page, e => /^h[1-6]$/.test(e.tag)).map(e => Number(e.tag[1]));
    expect(levels.filter(l => l === 1)).toHaveLength(1);
    levels.forEach((level, i) => {
      expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1);
    });
  });

  it('says what each header of a table heads', () => {
    for (const th of byTag(page, 'th')) expect(['col', 'row', 'rowgroup']).toContain(th.attributes.scope);
  });

  it('describes or hides every drawing', () => {
    const inside = byTag(page, 'svg').flatMap(svg => byTag(svg, 'svg'));
    for (const svg of byTag(page, 'svg').filter(s => !inside.includes(s))) {
      const { role, 'aria-label': label, 'aria-hidden': hidden } = svg.attributes;
      expect(hidden === 'true' || (role === 'img' && (label ?? '') !== '')).toBe(true);
    }
  });

  it('is complete without its script, which alone shows what is hidden', () => {
    const hidden = all(page, e => 'hidden' in e.attributes);
    expect(hidden.filter(e => e.tag !== 'button')).toEqual([]);
    expect(byTag(page, 'noscript')).toEqual([]);
  });

  it('shows one map cell for each cell, with its verdict as a word, leading to its evidence', () => {
    const { entries } = ledgerOf(run);
    const shown = all(byId(page, 'map'), e => 'data-cell' in e.attributes);
    expect(shown.map(e => e.attributes['data-cell']).sort()).toEqual(run.cells.map(cellId).sort());
    for (const entry of entries) {
      const { word } = verdictWords[entry.look];
      const cell = shown.find(e => e.attributes['data-cell'] === entry.id) as Element;
      expect(textOf(cell)).toMatch(new RegExp(`^${word}\\b`));
      const [link] = byTag(cell, 'a');
      expect(link.attributes.href).toBe(`#${entry.id}`);
      const evidence = byId(byId(page, 'cells'), entry.id);
      expect(textOf(byTag(evidence, 'summary')[0])).toContain(word);
      expect(textOf(evidence)).toContain(
        `${entry.cell.kernel}, ${entry.cell.dtype}, ${entry.cell.tier}: ${word}`,
      );
    }
  });

  it('colours no cell as a pass but those that are', () => {
    const green = byClass(byId(page, 'map'), 'is-pass').map(e => e.attributes['data-cell']);
    const passes = ledgerOf(run).entries.filter(e => e.look === 'pass');
    expect(green).toEqual(passes.map(e => e.id));
  });
});

describe('the tier map', () => {
  const run = plantedRun();
  const map = byId(parse(renderReport(run)), 'map');
  const cell = (name: string) => {
    const [provider, kernel, tier, dtype] = name.split(' ');
    return all(map, e => e.attributes['data-cell'] === `${provider}.rms_norm.${kernel}.${tier}.${dtype}`)[0];
  };

  it('lets the bar break through the tick where an error lies beyond its bound, and nowhere else', () => {
    const beyond = all(map, e => 'data-beyond' in e.attributes).length;
    const expected = ledgerOf(run).entries.filter(e => (e.share ?? 0) > 1).length;
    expect(expected).toBeGreaterThan(0);
    expect(beyond).toBe(expected);
  });

  it('names the property that fails where there is no error to show', () => {
    expect(textOf(byClass(cell('mutants RN19-tail-store avx2 f32'), 'word')[0])).toBe('memory');
  });

  it('puts times of unproved cells in parentheses', () => {
    const speed = (name: string) => textOf(byClass(cell(name), 'speed')[0]);
    expect(speed('mutants RN12-weight-twice avx2 f32')).toMatch(/^\(.+×\)$/);
    expect(speed('native lanes32 avx2 f32')).toMatch(/^[\d.]+×$/);
    expect(speed('native lanes32 scalar f32')).toMatch(/^[\d.]+ (µs|ms)$/);
  });

  it('hatches what this machine cannot run', () => {
    expect(hasClass(cell('native lanes32 avx512 f32'), 'hatched')).toBe(true);
    expect(hasClass(cell('native lanes32 avx2 f32'), 'hatched')).toBe(false);
    expect(textOf(byClass(map, 'map-head')[0])).toContain('amx');
  });

  it('has no cell where a kernel does not exist', () => {
    expect(byClass(map, 'none').filter(e => e.tag === 'td')).toHaveLength(12);
  });

  it('folds providers in which nothing fails, but never native', () => {
    const base = greenRun();
    const peer = { ...passCell('k', 'avx2', 'f32'), provider: 'peer' };
    const shown = byId(parse(renderReport({ ...base, cells: [...base.cells, peer] })), 'map');
    const open = byTag(shown, 'details').map(d => 'open' in d.attributes);
    expect(open).toEqual([true, false]);
    expect(byTag(map, 'details').map(d => 'open' in d.attributes)).toEqual([true, true]);
  });
});

describe('findings', () => {
  const run = plantedRun();
  const section = byId(parse(renderReport(run)), 'findings');

  it('shows every finding with its message, its replay line and its whole case', () => {
    const shown = byClass(section, 'finding');
    expect(shown).toHaveLength(run.findings.length);
    for (const finding of run.findings) {
      const at = shown.find(e => textOf(e).includes(finding.replay)) as Element;
      expect(textOf(at)).toContain(finding.message);
      const [json] = byTag(at, 'pre');
      expect(JSON.parse(textOf(json))).toEqual(finding.case);
    }
  });

  it('marks the elements that break the rule, not those beside them', () => {
    const first = byClass(section, 'finding')[0];
    const rows = byTag(byTag(byClass(first, 'elements')[0], 'tbody')[0], 'tr');
    expect(rows.map(r => hasClass(r, 'broken'))).toEqual([false, true, true]);
    expect(rows.map(r => textOf(byClass(r, 'ratio')[0]))).toEqual(['0.00 pass', '86 fail', 'bits fail']);
  });
});

describe('edges', () => {
  it('shouts where an edge was never reached', () => {
    const missed = byClass(byId(parse(renderReport(plantedRun())), 'edges'), 'missed').map(textOf);
    expect(missed).toEqual(['beyond 32 bits0 never reached', 'subnormal0 never reached']);
    expect(byClass(parse(renderReport(greenRun())), 'missed')).toEqual([]);
  });
});

describe('speed', () => {
  it('lists every timing with its figures', () => {
    const run = plantedRun();
    const section = byId(parse(renderReport(run)), 'speed');
    const rows = byTag(section, 'tr').filter(r => byTag(r, 'td').length > 0);
    expect(rows).toHaveLength(run.timings.length);
  });

  it('says what was not timed, why, and how long a call would have taken', () => {
    const [{ op, dtype, shape, size, provider, kernel, tier }] = greenRun().timings;
    const left = { machine: 0, op, dtype, shape, size, kernel: { provider, kernel, tier } };
    const untimed = [{ ...left, reason: 'it takes longer than 1 s', takes: 7.8e9 }];
    const table = byClass(parse(renderReport({ ...greenRun(), untimed })), 'gaps')[0];
    expect(textOf(byTag(table, 'caption')[0])).toBe('it takes longer than 1 s');
    expect(textOf(byTag(table, 'tr')[0])).toMatch(/native lanes32 scalar in f32about 7\.80 s a call$/);
    expect(byClass(parse(renderReport(greenRun())), 'gaps')).toEqual([]);
    const alone = byId(parse(renderReport({ ...greenRun(), timings: [], untimed })), 'speed');
    expect(textOf(alone)).toContain('about 7.80 s a call');
  });

  it('says how many samples there were where an interval is all of them', () => {
    const [first, ...others] = greenRun().timings;
    const run = { ...greenRun(), timings: [{ ...first, blocks: [[1], [2], [3]] }, ...others] };
    const ranges = byClass(byId(parse(renderReport(run)), 'speed'), 'range').map(textOf);
    expect(ranges.filter(text => text.endsWith(' of 3'))).toHaveLength(1);
  });

  it('says so when nothing was timed', () => {
    const section = byId(parse(renderReport(runs.empty)), 'speed');
    expect(textOf(section)).toContain('Nothing was timed');
  });
});

describe('an audit', () => {
  const section = byId(parse(renderReport(auditedRun())), 'audit');
  const rowsOf = (table: Element) => byTag(byTag(table, 'tbody')[0], 'tr').map(textOf);

  it('shows every planted bug: what became of it, by which property first, after how much', () => {
    const [rms, gqa] = byClass(section, 'matrix').map(rowsOf);
    expect(rms).toEqual([
      expect.stringMatching(
        /^survivesRN07-eps-outside scalareps outside the root; an eps.*\(equivalence\)400–$/,
      ),
      expect.stringMatching(/^killedRN13-rounds-twice .*poison \(equivalence\)1842.0 ms$/),
      expect.stringMatching(/^killedRN36-offset-left-out .*equivalence4250 ms$/),
    ]);
    expect(gqa[0]).toMatch(/^out of reachDS01-cpuid-alone/);
    expect(gqa[1]).toMatch(/^not runGQ50-amx-tile amx.*\(equivalence\)––$/);
  });

  it('says how many were killed and how soon, and which property was the first', () => {
    expect(textOf(section)).toContain('2 of 4 planted bugs were killed within 3 s each.');
    expect(textOf(section)).toContain('The middle one fell after 250 ms and 18 cases.');
    const counts = byClass(section, 'answer').map(block => byTag(block, 'tr').map(textOf));
    expect(counts[0]).toEqual(['killed2', 'not run1', 'out of reach1', 'survives1']);
    expect(counts[1]).toEqual(['poison1', 'equivalence1']);
  });

  it('gives the reasons of survivors, and names the correct kernels that were accused', () => {
    const missed = textOf(byClass(section, 'missed-bugs')[0]);
    expect(missed).toContain('Trigger: an eps above 1e-3. Not found: nothing was seen in 400 cases.');
    expect(missed).toContain('Out of reach: no property fakes a feature set.');
    const [alarm] = byTag(byClass(section, 'alarms')[0], 'li');
    expect(textOf(alarm)).toContain('rms_norm backwards f16');
    expect(textOf(alarm)).toContain('sums from the end. equivalence: it is wrong');
    const [link] = byTag(alarm, 'a');
    expect(link.attributes.href).toBe('#mutants.rms_norm.backwards.scalar.f16');
  });

  it('has no such list where all were found and nothing was accused', () => {
    const run = auditedRun();
    const rows = run.audit!.rows.filter(({ killed }) => killed);
    const cells = run.cells.filter(({ verdict }) => verdict === 'pass');
    const good = { ...run, cells, findings: [], audit: { ...run.audit!, rows } };
    const page = byId(parse(renderReport(good)), 'audit');
    expect(byClass(page, 'missed-bugs')).toEqual([]);
    expect(byClass(page, 'alarms')).toEqual([]);
    expect(headline(ledgerOf(good))).toBe('All 2 planted bugs were killed; no correct kernel was accused.');
  });

  it('is what the headline is about', () => {
    expect(headline(ledgerOf(auditedRun()))).toBe(
      '2 of 4 planted bugs were killed, 1 survives without a reason; 1 cell of correct kernels was accused.',
    );
  });
});

describe('hostile names', () => {
  const attack = `</script></style>"'><img src=x onerror=alert(1)>&lt;`;

  /** Every string of a document that has no fixed set of values. */
  function poison<T>(value: T, key = ''): T {
    const fixed = ['op', 'dtype', 'verdict', 'edge', 'poison', 'kind', 'type', 'started', 'buffer', 'what'];
    if (typeof value === 'string') return (fixed.includes(key) ? value : value + attack) as T;
    if (Array.isArray(value)) return value.map(v => poison(v, key)) as T;
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, poison(v, k)])) as T;
  }

  it('stay text wherever they stand', () => {
    const run = poison(plantedRun());
    const markup = renderReport(run);
    const page = parse(markup);
    expect(byTag(page, 'img')).toEqual([]);
    expect(byTag(page, 'script')).toHaveLength(1);
    expect(markup).not.toContain('<img');
    expect(textOf(byId(page, 'map'))).toContain(`RN12-weight-twice${attack}`);
    expect(textOf(byId(page, 'findings'))).toContain(`limit 4.${attack}`);
    const ids = all(page, e => 'id' in e.attributes).map(e => e.attributes.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const e of all(page, e => 'href' in e.attributes)) expect(ids).toContain(e.attributes.href.slice(1));
  });
});
