/** `tierwise gate`. */

import { appendFileSync, existsSync } from 'node:fs';
import { Command } from 'commander';
import { counted } from '../../../reports/format.ts';
import { loadConfig } from '../../config/load.ts';
import { type Judged, judge, type State } from '../../gate/gate.ts';
import { annotations, summary } from '../../gate/github.ts';
import { junit } from '../../gate/junit.ts';
import { linesOf } from '../../gate/lines.ts';
import { libraryBuild } from '../../providers/provider.ts';
import { jsonFilesIn, readRun, writeWhole } from '../../run/store.ts';
import { UsageError } from '../../usage-error.ts';
import { defaultRunFile } from '../make-run.ts';
import { colours, table } from '../terminal.ts';

const marks: Readonly<Record<State, string>> = {
  green: colours.green('green'),
  red: colours.red(colours.bold('RED')),
  known: colours.yellow('known'),
  aside: colours.dim('aside'),
};

export function gateCommand(): Command {
  return new Command('gate')
    .description('exit 1 unless a run shows all that the config requires (docs/gate.md)')
    .argument('[run]', 'the run document', defaultRunFile)
    .option('--config <file>', 'the config (default: tierwise.config.ts here, or .mts, .js, .mjs, .json)')
    .option('--junit <file>', 'write the answer as JUnit XML too')
    .action(async (file: string, options: { config?: string; junit?: string }) => {
      const { settings } = await loadConfig(options.config, process.cwd());
      const judged = judge(readRun(file), settings, {
        today: new Date().toISOString().slice(0, 10),
        builds: new Map(
          (settings.libraries ?? []).filter(existsSync).map(path => [path, libraryBuild(path)]),
        ),
        regressions: settings.regressions ? jsonFilesIn(settings.regressions) : [],
      });
      if (options.junit) writeWhole(options.junit, junit(judged));
      tell(judged);
      process.exitCode = judged.red ? 1 : 0;
    });
}

function tell(judged: Judged): void {
  const { rows, problems, warnings, red } = judged;
  const lines = linesOf(rows).map(line => [
    marks[line.state],
    line.provider,
    line.op,
    line.kernel,
    line.tier,
    line.dtypes.join(' '),
    line.seen,
    line.evidence,
    line.why.replace(/\s+/g, ' '),
  ]);
  const head = ['gate', 'provider', 'op', 'kernel', 'tier', 'types', 'seen', 'least evidence', 'why'];
  const says = sentence(judged);
  const out = [
    table(
      head,
      head.map(() => 'left' as const),
      lines,
    ),
    '',
    ...problems.map(problem => `${colours.red('✗')} ${problem}`),
    ...warnings.map(warning => `${colours.yellow('!')} ${warning}`),
    red ? colours.red(says) : colours.green(says),
  ];
  const { GITHUB_ACTIONS, GITHUB_STEP_SUMMARY } = process.env;
  if (GITHUB_ACTIONS) out.push(...annotations(judged));
  process.stdout.write(`${out.join('\n')}\n`);
  if (GITHUB_STEP_SUMMARY) append(GITHUB_STEP_SUMMARY, summary(judged, says));
}

/** The gate in one sentence. */
function sentence({ rows, problems, red }: Judged): string {
  const having = (state: State) => rows.filter(row => row.state === state).length;
  const known = having('known') > 0 ? `, ${having('known')} known to fail` : '';
  if (!red) return `Open: ${counted(having('green'), 'required cell')} executed and proved${known}.`;
  const beside = problems.length > 0 ? ` and ${counted(problems.length, 'problem')} beside them` : '';
  return `Closed: ${counted(having('red'), 'red cell')}${beside}; ${having('green')} green${known}.`;
}

function append(path: string, text: string): void {
  try {
    appendFileSync(path, text);
  } catch (error) {
    throw new UsageError(`cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
