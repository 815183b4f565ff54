/** `tierwise check`. */

import { join } from 'node:path';
import { Command } from 'commander';
import { count } from '../../../reports/format.ts';
import type { Run } from '../../run/document.ts';
import { writeRun } from '../../run/store.ts';
import { configured, type Kept } from '../configured.ts';
import { defaultRunFile, exitCodeOf, makeRun, outputFolder, type Plan } from '../make-run.ts';
import { type Selection, seconds, select, wholeNumber, withPeers, withSelection } from '../options.ts';
import { findingsText, ledgerTables, missingText, notRunText, verdictText } from '../tables.ts';
import { say } from '../terminal.ts';

/** What commands that check take. */
export interface CheckOptions extends Selection {
  config?: string;
  seed?: number;
  cases?: number;
  budget?: number;
  property?: string[];
  workers?: number;
  json: string;
  failures: string;
}

/** Adds the options of a check. */
export function withCheckOptions(command: Command): Command {
  return withPeers(withSelection(command))
    .option('--config <file>', 'the config (default: tierwise.config.ts here, or .mts, .js, .mjs, .json)')
    .option('--seed <number>', 'which sequence of cases (default: 1)', wholeNumber(0, 2 ** 32 - 1))
    .option(
      '--cases <number>',
      'how many cases for each op (default: as many as the budget allows)',
      wholeNumber(1),
    )
    .option(
      '--budget <time>',
      'how long to check each op, such as 30s (default: 3s a kernel, 12s at least; none with --cases)',
      seconds,
    )
    .option(
      '--property <name>',
      'ask these of every case instead of those that are due (tierwise list --properties)',
      (value: string, previous: string[] = []) => [...previous, ...value.split(',')],
    )
    .option('--workers <number>', 'threads, each with a runner process (default: one a core)', wholeNumber(1))
    .option('--failures <folder>', 'where failure files go', join(outputFolder, 'failures'))
    .option('--json <file>', `where the run document goes`, defaultRunFile);
}

/** The plan that the options come to. */
export function planOf(options: CheckOptions & Kept): Omit<Plan, 'check' | 'bench' | 'emulate'> {
  return {
    seed: options.seed ?? 1,
    cases: options.cases ?? Infinity,
    budget: options.budget ?? null,
    properties: options.property ?? null,
    workers: options.workers ?? null,
    regressions: options.regressions ?? null,
    ownCases: options.ownCases ?? null,
    failures: options.failures,
    writes: [options.json],
  };
}

/** Says what a check showed: findings, the ledger, one sentence. */
export function tellCheck(run: Run): void {
  const out = [
    ...findingsText(run),
    ledgerTables(run),
    '',
    ...throughputText(run),
    ...notRunText(run),
    ...missingText(run),
    verdictText(run),
  ];
  process.stdout.write(`${out.join('\n')}\n`);
}

function throughputText({ throughput, edges }: Run): string[] {
  if (!throughput) return [];
  const { cases, casesPerSecond, meanElements, calls } = throughput;
  const unreached = edges.filter(edge => edge.cases === 0).map(edge => `${edge.dimension}: ${edge.edge}`);
  const words = [
    `${count(cases)} cases, ${count(Math.round(casesPerSecond))} a second, ` +
      `${Math.round(meanElements)} output elements each, ${count(calls)} calls of kernels`,
  ];
  if (unreached.length > 0) {
    const shown = unreached.slice(0, 5).join('; ');
    words.push(
      `edges never reached (${unreached.length} of ${edges.length}): ${shown}${unreached.length > 5 ? '; ...' : ''}`,
    );
  }
  return words;
}

export function checkCommand(): Command {
  return withCheckOptions(new Command('check'))
    .option(
      '--emulate',
      'run all kernels on the least CPU that qemu-x86_64 has for their tier, instead of here (else only those whose tier this CPU lacks)',
    )
    .description('prove kernels against float64 references, by properties, in every tier this machine has')
    .action(async (given: CheckOptions & { emulate?: boolean }) => {
      const options = await configured(given);
      const run = await makeRun(select(options), {
        ...planOf(options),
        check: true,
        emulate: given.emulate ? 'all' : 'lacking',
        bench: null,
      });
      // Told before it is written: a disk may be full by now.
      tellCheck(run);
      writeRun(options.json, run);
      say(`run document: ${options.json}`);
      process.exitCode = exitCodeOf(run);
    });
}
