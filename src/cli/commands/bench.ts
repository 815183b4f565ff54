/** `tierwise bench`. */

import { Command } from 'commander';
import { writeRun } from '../../run/store.ts';
import { exitCode, makeRun } from '../make-run.ts';
import { select } from '../options.ts';
import { findingsText, latencyTable, missingText, verdictText } from '../tables.ts';
import { say } from '../terminal.ts';
import { type CheckOptions, planOf, withCheckOptions } from './check.ts';

interface BenchOptions extends CheckOptions {
  quick?: boolean;
  check: boolean;
}

/** Cases that a kernel is proved on before it is timed, where nothing else is said. */
const casesBefore = 1000;

export function benchCommand(): Command {
  return withCheckOptions(new Command('bench'))
    .description('time kernels beside what the machine could do at best, after a short proof')
    .option('--quick', 'leave out the shapes that take long')
    .option('--no-check', 'time without proof: times then stand in parentheses')
    .action(async (options: BenchOptions) => {
      const plan = planOf(options);
      const short = options.cases === undefined && options.budget === undefined ? { cases: casesBefore } : {};
      const run = await makeRun(select(options), {
        ...plan,
        ...short,
        check: options.check,
        bench: options.quick ? 'quick' : 'full',
      });
      writeRun(options.json, run);
      const out = [
        ...findingsText(run),
        latencyTable(run),
        '',
        ...missingText(run),
        options.check ? verdictText(run) : 'Nothing was checked: times in parentheses are unproved.',
      ];
      process.stdout.write(`${out.join('\n')}\n`);
      say(`run document: ${options.json}`);
      process.exitCode = exitCode(run);
    });
}
