/** `tierwise audit`. */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Audited, huntAll, passes, sorted } from '../../audit/audit.ts';
import { ownLibrary, ownManifest, readManifest } from '../../audit/manifest.ts';
import { ops } from '../../case/case.ts';
import { threads } from '../../check/crew.ts';
import { hasSuite } from '../../check/properties.ts';
import { kernelId } from '../../providers/provider.ts';
import { requireWritable, writeRun } from '../../run/store.ts';
import { makeRun, outputFolder } from '../make-run.ts';
import { matrixText } from '../matrix.ts';
import { type Selection, seconds, select, wholeNumber } from '../options.ts';
import { findingsText, mishapsText } from '../tables.ts';
import { ProgressLine, say } from '../terminal.ts';

interface AuditOptions extends Pick<Selection, 'op' | 'kernel' | 'dtype'> {
  library: string;
  manifest: string;
  seed: number;
  budget: number;
  workers?: number;
  failures: string;
  json: string;
}

const collect = (value: string, previous: string[] = []) => [...previous, ...value.split(',')];

export function auditCommand(): Command {
  return new Command('audit')
    .description(
      'hunt planted bugs, and check correct kernels of unusual form: the kill matrix (docs/audit.md)',
    )
    .option('--library <path>', 'the library of planted bugs', ownLibrary)
    .option('--manifest <file>', 'what its kernels are', ownManifest)
    .option('--op <op>', 'only kernels of these ops', collect)
    .option('--kernel <name>', 'only kernels of these names', collect)
    .option('--seed <number>', 'which sequence of cases', wholeNumber(0, 2 ** 32 - 1), 1)
    .option('--budget <time>', 'how long to hunt each bug, and to check each correct kernel (3s)', seconds, 3)
    .option('--workers <number>', 'threads, each with a runner process (default: one a core)', wholeNumber(1))
    .option('--failures <folder>', 'where failure files of false alarms go', join(outputFolder, 'failures'))
    .option('--json <file>', 'where the run document goes', join(outputFolder, 'audit.json'))
    .action(async (options: AuditOptions) => {
      const run = await runAudit(options);
      writeRun(options.json, run);
      // A finding is a false alarm here, and all that is to be known of it comes first.
      process.stdout.write(`${[...findingsText(run), ...mishapsText(run), matrixText(run)].join('\n')}\n`);
      say(`run document: ${options.json}`);
      process.exitCode = passes(run) ? 0 : 1;
    });
}

async function runAudit(options: AuditOptions): Promise<Audited> {
  const { library, manifest, seed, budget, failures, json } = options;
  const selected = select({ ...options, library: [library] });
  const { broken, correct } = sorted(selected.kernels, readManifest(manifest));
  requireWritable(json);
  const workers = options.workers ?? availableParallelism();
  const asked = selected.kernels.filter(kernel => kernel.available && hasSuite(kernel.op));
  const assignment = { ...selected, kernels: asked.map(kernelId), seed, properties: null, inProcess: false };
  const crew = threads(assignment, workers);
  const progress = new ProgressLine();
  const rows = await huntAll(crew, broken, asked, budget, name => progress.show(name)).finally(() => {
    progress.done();
    return crew.close();
  });
  // A single bug is audited too: a run without cells is none, so its own stands there, not checked.
  const check = correct.length > 0;
  const kernels = (check ? correct : broken).map(({ kernel }) => kernel);
  const perOp = ops.map(op => kernels.filter(kernel => kernel.op === op).length);
  const run = await makeRun(
    { ...selected, kernels },
    {
      seed,
      // That of an op.
      budget: budget * Math.max(...perOp),
      workers,
      failures,
      writes: [json],
      cases: Infinity,
      properties: null,
      check,
      emulate: 'none',
      bench: null,
      regressions: null,
      ownCases: null,
    },
  );
  const forms = correct.map(({ entry: { op, name, tier, form } }) => ({ op, kernel: name, tier, form }));
  return { ...run, audit: { budgetSeconds: budget, rows, correct: forms } };
}
