import { describe, expect, it } from 'vitest';
import type { Cell } from '../src/run/document.ts';
import { cellId, ledgerOf } from './ledger.ts';
import { greenRun, passCell, plantedRun } from './testing/sample.ts';

const cell = passCell('lanes32', 'avx2', 'f32');
const judged = (own: Cell, findings = greenRun().findings) =>
  ledgerOf({ ...greenRun(), cells: [own], findings }).entries[0];

describe('the ledger', () => {
  it('takes a pass with evidence as a pass', () => {
    expect(judged(cell).verdict).toBe('pass');
  });

  it.each([
    ['cases', { cases: 0 }],
    ['elements', { elements: 0 }],
    ['telling elements', { telling: 0 }],
  ])('takes no pass without %s', (_, missing) => {
    const entry = judged({ ...cell, ...missing });
    expect(entry.verdict).toBe('not-run');
    expect(entry.reason).not.toBe('');
  });

  it('takes a pass with a failed property as a fail', () => {
    const entry = judged({ ...cell, properties: [{ name: 'memory', held: 9, failed: 1 }] });
    expect(entry).toMatchObject({ verdict: 'fail', reason: 'does not hold: memory' });
  });

  it('takes a pass with a finding as a fail', () => {
    const [finding] = plantedRun().findings;
    const own = { ...cell, provider: finding.provider, kernel: finding.kernel, tier: finding.tier };
    expect(judged(own, [finding]).verdict).toBe('fail');
  });

  it('measures a cell by the worse of its two checks', () => {
    expect(judged({ ...cell, precision: 6 }).share).toBe(1.5);
    expect(judged({ ...cell, precision: 0.4 }).share).toBe(cell.worst?.ratio);
    expect(judged({ ...cell, precision: null, worst: null }).share).toBeNull();
  });

  it('puts native first and tiers in order, however the document has them', () => {
    const run = plantedRun();
    const { entries, columns, providers } = ledgerOf({ ...run, cells: run.cells.toReversed() });
    expect(providers).toEqual(['native', 'mutants']);
    expect(columns.map(c => c.tier)).toEqual(['scalar', 'sse2', 'avx2', 'avx512', 'amx']);
    expect(entries.slice(0, 5).map(e => `${e.cell.dtype} ${e.cell.tier}`)).toEqual([
      'f32 scalar',
      'f32 sse2',
      'f32 avx2',
      'f32 avx512',
      'f16 scalar',
    ]);
  });

  it('gives every cell an id of its own, whatever characters its names have', () => {
    const ids = ['a.b', 'a~2e~b', 'a b', 'a/b', 'a', 'ä', '😀'].map(kernel => cellId({ ...cell, kernel }));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[\w~-]+(\.[\w~-]+){4}$/);
  });
});
