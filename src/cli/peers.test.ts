/** Peers stand apart: beside the verdict, below the map, and as ratios at the kernels that they are compared with. */

import { describe, expect, it } from 'vitest';
import { headline, lead } from '../../reports/headline.ts';
import { apart, ledgerOf } from '../../reports/ledger.ts';
import { overPeer, overText } from '../../reports/speeds.ts';
import { peeredRun, peerSlowdown } from '../../reports/testing/peered.ts';
import { exitCode } from './make-run.ts';
import { ledgerTables, verdictText } from './tables.ts';

const run = peeredRun();
const ledger = ledgerOf(run);
const at = (tier: string, dtype: string) =>
  run.timings.find(t => t.tier === tier && t.dtype === dtype && t.provider === 'native')!;

describe('a peer that fails beside native kernels that do not', () => {
  it('changes neither the headline nor the exit code', () => {
    expect(headline(ledger)).toBe('Every native kernel is right in every tier this machine has.');
    expect(exitCode(run)).toBe(0);
    expect(verdictText(run)).toContain('All 12 cells hold.');
  });

  it('is told behind them', () => {
    expect(lead(ledger)).toMatch(
      /Beside them, of the peer onnxruntime, 1 of 2 cells that ran is right, 1 is wrong\.$/,
    );
    expect(
      apart(ledger)
        .beside.map(e => e.verdict)
        .sort(),
    ).toEqual(['fail', 'pass', 'unsupported']);
    const [subjects, peers] = ledgerTables(run).split('peers, compared with');
    expect(subjects).not.toContain('onnxruntime');
    expect(peers.match(/onnxruntime/g)?.length).toBe(3);
  });

  it('would change both as a subject', () => {
    const subject = {
      ...run,
      providers: run.providers.map(provider => ({ ...provider, role: 'subject' as const })),
    };
    expect(exitCode(subject)).toBe(1);
    expect(headline(ledgerOf(subject))).toMatch(/1 of 2 cells of onnxruntime that ran is wrong\.$/);
  });
});

describe('the ratio to a peer', () => {
  it('is the median of the ratios of blocks', () => {
    expect(overPeer(at('avx2', 'f32'), 'onnxruntime', run.timings)).toEqual({
      ratio: peerSlowdown,
      proved: true,
    });
    // A block in which the machine stood still for one of the two changes nothing.
    const own = at('avx2', 'f32');
    const disturbed = { ...own, blocks: [own.blocks[0].map(x => x * 50), ...own.blocks.slice(1)] };
    expect(overPeer(disturbed, 'onnxruntime', run.timings)?.ratio).toBe(peerSlowdown);
  });

  it('stands in parentheses where either is unproved, and nowhere where one was not timed', () => {
    expect(overText(at('avx2', 'f32'), 'onnxruntime', run.timings)).toBe('2.0×');
    expect(overText(at('avx2', 'f16'), 'onnxruntime', run.timings)).toBe('(2.0×)');
    expect(overText({ ...at('avx2', 'f32'), proved: false }, 'onnxruntime', run.timings)).toBe('(2.0×)');
    expect(overText(at('avx2', 'bf16'), 'onnxruntime', run.timings)).toBe('–');
    const own = run.timings.find(t => t.provider === 'onnxruntime')!;
    expect(overText(own, 'onnxruntime', run.timings)).toBe('–');
  });
});
