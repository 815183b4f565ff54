/** A run that never happened, with a peer beside native kernels: right in f32, wrong in f16, silent in bf16. */

import { type Cell, type Run, runSchema, type Timing } from '../../src/run/document.ts';
import { greenRun } from './sample.ts';

/** What the peer takes, over what native avx2 takes at the same shape. */
export const peerSlowdown = 2;

const provider = 'onnxruntime';
const names = { provider, kernel: 'contrib', tier: 'auto' };

function peerCell(cell: Cell): Cell {
  const own = { ...cell, ...names, executed: [], promises: [] };
  if (cell.dtype === 'f32') return own;
  if (cell.dtype === 'bf16') {
    const nothing = { cases: 0, elements: 0, telling: 0, supported: 0, properties: [], digest: null };
    return {
      ...own,
      ...nothing,
      verdict: 'unsupported',
      reason: 'it declined all',
      worst: null,
      precision: null,
    };
  }
  return { ...own, verdict: 'fail', reason: 'equivalence: it is wrong', worst: null, precision: 17 };
}

function peerTiming(timing: Timing): Timing {
  return {
    ...timing,
    ...names,
    median: timing.median * peerSlowdown,
    low: timing.low * peerSlowdown,
    high: timing.high * peerSlowdown,
    blocks: timing.blocks.map(block => block.map(sample => sample * peerSlowdown)),
    proved: timing.dtype === 'f32',
  };
}

/** Every native kernel right, the peer not. */
export function peeredRun(): Run {
  const base = greenRun();
  const avx2 = base.cells.filter(cell => cell.tier === 'avx2');
  const timed = base.timings.filter(timing => timing.tier === 'avx2' && timing.dtype !== 'bf16');
  const wrong = avx2.find(cell => cell.dtype === 'f16')!;
  const file = '.tierwise/failures/rms_norm-onnxruntime-contrib-auto-f16-equivalence-0.json';
  return runSchema.parse({
    ...base,
    providers: [
      ...base.providers,
      { name: provider, version: '1.30.0', build: 'b', path: 'libpeer.so', leftOut: [], role: 'peer' },
    ],
    cells: [...base.cells, ...avx2.map(peerCell)],
    findings: [
      {
        ...names,
        op: 'rms_norm',
        dtype: 'f16',
        machine: 0,
        property: 'equivalence',
        message: 'it is wrong',
        k: 3,
        case: wrong.worst!.case,
        shrunk: { steps: 0, runs: 1, fromElements: 4, toElements: 4 },
        explanation: null,
        elements: [],
        file,
        replay: `tierwise replay ${file}`,
      },
    ],
    timings: [...base.timings, ...timed.map(peerTiming)],
  } satisfies Run);
}
