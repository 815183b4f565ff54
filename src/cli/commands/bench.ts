/** `tierwise bench`. */

import { Command } from 'commander';
import { thorough } from '../../bench/pace.ts';
import { writeRun } from '../../run/store.ts';
import { configured } from '../configured.ts';
import { exitCodeOf, makeRun } from '../make-run.ts';
import { select } from '../options.ts';
import { findingsText, latencyTable, missingText, untimedText, verdictText } from '../tables.ts';
import { say } from '../terminal.ts';
import { type CheckOptions, planOf, withCheckOptions } from './check.ts';

interface BenchOptions extends CheckOptions {
  quick?: boolean;
  shape?: string[];
  check: boolean;
}

/** Cases that a kernel is proved on before it is timed, where nothing else is said. */
const casesBefore = 1000;

export function benchCommand(): Command {
  return withCheckOptions(new Command('bench'))
    .description('time kernels beside what the machine could do at best, after a short proof')
    .option('--quick', 'leave out the shapes that take long')
    .option(
      '--shape <words>',
      'only shapes with this in their name or size (tierwise list --shapes); may be given more than once',
      (words: string, previous: string[] = []) => [...previous, words],
    )
    .option('--no-check', 'time without proof: times then stand in parentheses')
    .action(async (given: BenchOptions) => {
      const options = await configured(given);
      const plan = planOf(options);
      const short =
        given.cases === undefined && given.budget === undefined ? { cases: casesBefore, budget: null } : {};
      const run = await makeRun(select(options), {
        ...plan,
        ...short,
        check: options.check,
        emulate: 'none',
        bench: { pace: thorough, quick: options.quick ?? false, shapes: options.shape ?? null },
      });
      writeRun(options.json, run);
      const out = [
        ...findingsText(run),
        latencyTable(run),
        ...untimedText(run),
        '',
        ...missingText(run),
        options.check ? verdictText(run) : 'Nothing was checked: times in parentheses are unproved.',
      ];
      process.stdout.write(`${out.join('\n')}\n`);
      say(`run document: ${options.json}`);
      // Without a check there is nothing to hold.
      process.exitCode = options.check ? exitCodeOf(run) : 0;
    });
}
