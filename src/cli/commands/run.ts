/** `tierwise run`: check, bench and report in one; what `npm start` does. */

import { resolve } from 'node:path';
import { Command } from 'commander';
import { renderReport } from '../../../reports/report.ts';
import { brisk } from '../../bench/pace.ts';
import { peerNames } from '../../providers/peers.ts';
import { writeRun, writeWhole } from '../../run/store.ts';
import { configured } from '../configured.ts';
import { exitCodeOf, makeRun } from '../make-run.ts';
import { select } from '../options.ts';
import { latencyTable, untimedText } from '../tables.ts';
import { type CheckOptions, planOf, tellCheck, withCheckOptions } from './check.ts';
import { defaultReport } from './report.ts';

interface RunOptions extends CheckOptions {
  quick?: boolean;
  peers: boolean;
  output: string;
}

/** Seconds of checking in a quick run. */
const quickBudget = 4;

export function runCommand(): Command {
  return withCheckOptions(new Command('run'))
    .description('check, bench and report in one')
    .option('--quick', 'a short check, and no shapes that take long')
    .option('--no-peers', 'without the peers that are taken along where --peer says nothing')
    .option('-o, --output <file>', 'where the report goes', defaultReport)
    .action(async (given: RunOptions) => {
      const options = await configured(given);
      const plan = planOf(options);
      const unlimited = given.cases === undefined && given.budget === undefined;
      const peer = options.peer ?? (options.peers ? [...peerNames] : []);
      const run = await makeRun(select({ ...options, peer }), {
        ...plan,
        ...(options.quick && unlimited && { cases: Infinity, budget: quickBudget }),
        check: true,
        emulate: 'lacking',
        bench: { pace: brisk, quick: options.quick ?? false, shapes: null },
        writes: [...plan.writes, options.output],
      });
      // Told before it is written: a disk may be full by now.
      process.stdout.write(`\n${[latencyTable(run), ...untimedText(run)].join('\n')}\n\n`);
      tellCheck(run);
      writeRun(options.json, run);
      writeWhole(options.output, renderReport(run));
      process.stdout.write(`report: ${resolve(options.output)}\n`);
      process.exitCode = exitCodeOf(run);
    });
}
