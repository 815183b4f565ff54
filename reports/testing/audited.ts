/** An audit that never happened: bugs of every fate, and a correct kernel that was accused. */

import { type AuditRow, type Cell, type Run, runSchema } from '../../src/run/document.ts';
import { greenRun, passCell } from './sample.ts';

const provider = 'mutants';

function row(kernel: string, rest: Partial<AuditRow>): AuditRow {
  return {
    op: 'rms_norm',
    kernel,
    tier: 'scalar',
    row: kernel.slice(0, 4),
    bug: 'leaves the offset out',
    trigger: 'an offset of 1',
    expected: 'equivalence',
    killed: null,
    cases: 400,
    ...rest,
  };
}

const rows: readonly AuditRow[] = [
  row('RN13-rounds-twice', {
    killed: { property: 'poison', message: 'it is wrong', cases: 18, milliseconds: 42 },
    cases: 18,
  }),
  row('RN36-offset-left-out', {
    killed: { property: 'equivalence', message: 'it is wrong', cases: 4, milliseconds: 250 },
    cases: 4,
  }),
  row('RN07-eps-outside', { bug: 'eps outside the root', trigger: 'an eps above 1e-3' }),
  row('GQ50-amx-tile', { op: 'gqa', tier: 'amx', cases: 0 }),
  row('DS01-cpuid-alone', { op: 'gqa', survives: 'no property fakes a feature set' }),
];

/** The run of an audit. */
export function auditedRun(): Run {
  const base = greenRun();
  const { timings: _, ceilings: __, ...rest } = base;
  const correct = ['backwards', 'split'].map(kernel => ({ ...passCell(kernel, 'scalar', 'f16'), provider }));
  const [accused, other] = correct as [Cell, Cell];
  const file = '.tierwise/failures/rms_norm-mutants-backwards-scalar-f16-equivalence-0.json';
  return runSchema.parse({
    ...rest,
    providers: [{ ...base.providers[0], name: provider, path: 'libmutants.so' }],
    cells: [{ ...accused, verdict: 'fail', reason: 'equivalence: it is wrong' }, other],
    findings: [
      {
        provider,
        op: 'rms_norm',
        kernel: 'backwards',
        tier: 'scalar',
        dtype: 'f16',
        machine: 0,
        property: 'equivalence',
        message: 'it is wrong',
        k: 3,
        case: accused.worst!.case,
        shrunk: { steps: 0, runs: 1, fromElements: 4, toElements: 4 },
        explanation: null,
        elements: [],
        file,
        replay: `tierwise replay ${file}`,
      },
    ],
    timings: [],
    ceilings: [],
    audit: {
      budgetSeconds: 3,
      rows: [...rows],
      correct: [
        { op: 'rms_norm', kernel: 'backwards', tier: 'scalar', form: 'sums from the end' },
        { op: 'rms_norm', kernel: 'split', tier: 'scalar', form: 'two halves, merged' },
      ],
    },
  } satisfies Run);
}
