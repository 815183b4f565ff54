import { describe, expect, it } from 'vitest';
import type { Cell, Run } from '../src/run/document.ts';
import { headline, lead } from './headline.ts';
import { ledgerOf } from './ledger.ts';
import { emulatedRun, greenRun, passCell, plantedRun } from './testing/sample.ts';

const withCells = (cells: Cell[]): Run => ({ ...greenRun(), cells });
const green = greenRun().cells;
const failing = (cell: Cell): Cell => ({ ...cell, verdict: 'fail', reason: 'equivalence does not hold' });
const silent =
  (verdict: Cell['verdict']) =>
  (cell: Cell): Cell => ({ ...cell, verdict, cases: 0, elements: 0 });
const peer = (cell: Cell): Cell => ({ ...cell, provider: 'peer' });
/** The first `n` cells changed. */
const first = (n: number, change: (cell: Cell) => Cell, cells = green) =>
  cells.map((c, i) => (i < n ? change(c) : c));

const sentences: readonly (readonly [what: string, run: Run, says: string])[] = [
  ['all right', greenRun(), 'Every native kernel is right in every tier this machine has.'],
  [
    'a library that fails beside native kernels that do not',
    plantedRun(),
    'Every native kernel is right in every tier this machine has; 13 of 21 cells of mutants that ran are wrong.',
  ],
  ['some fail', withCells(first(3, failing)), '3 of 12 native cells are wrong.'],
  ['one fails', withCells(first(1, failing)), '1 of 12 native cells is wrong.'],
  [
    'some fail, some did not run',
    withCells([...first(2, failing).slice(0, 8), ...green.slice(8).map(silent('not-run'))]),
    '2 of 8 native cells that ran are wrong.',
  ],
  [
    'some did not run',
    withCells(first(3, silent('not-run'))),
    '9 of 12 native cells are right; 3 are unproved.',
  ],
  [
    'one says no',
    withCells(first(1, silent('unsupported'))),
    '11 of 12 native cells are right; 1 is unproved.',
  ],
  [
    'some were emulated',
    emulatedRun(2),
    'Every native kernel is right in scalar, sse2, avx2 and avx512, 2 cells on an emulated CPU alone.',
  ],
  ['nothing executed', withCells(green.map(silent('not-run'))), 'Nothing was executed.'],
  ['nothing there', withCells([]), 'Nothing was checked.'],
  [
    'native did not run, a peer did',
    withCells([...green.map(silent('not-run')), ...green.map(peer)]),
    'No native kernel was executed.',
  ],
  [
    'a tier of this machine has no native cell',
    withCells(green.filter(c => c.tier !== 'avx512')),
    'Every native kernel is right in scalar, sse2 and avx2.',
  ],
  ['a library alone', withCells(green.map(peer)), 'Every kernel is right in every tier this machine has.'],
];

describe('the headline', () => {
  it.each(sentences)('of a run: %s', (_, run, says) => {
    expect(headline(ledgerOf(run))).toBe(says);
  });

  it('claims nothing for a cell that says pass and compared nothing', () => {
    const empty = { ...passCell('lanes32', 'avx2', 'f32'), elements: 0 };
    const run = withCells(green.map(c => (c.tier === 'avx2' && c.dtype === 'f32' ? empty : c)));
    expect(headline(ledgerOf(run))).toBe('11 of 12 native cells are right; 1 is unproved.');
  });
});

describe('the sentence after it', () => {
  it('counts what was executed, and names the tiers that could not run', () => {
    expect(lead(ledgerOf(plantedRun()))).toBe(
      '9 of 12 native cells were executed and checked against float64 truth in scalar, sse2 and avx2. ' +
        '21 of 36 cells of mutants were executed and checked against float64 truth in scalar, sse2 and avx2. ' +
        'avx512 and amx could not run here.',
    );
  });

  it('claims no check where nothing was executed', () => {
    expect(lead(ledgerOf(withCells(green.map(silent('not-run')))))).toBe(
      '0 of 12 native cells were executed.',
    );
  });
});
