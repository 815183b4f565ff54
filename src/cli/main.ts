/** The command line: `tierwise`. */

import { Command, CommanderError } from 'commander';
import { version } from '../run/version.ts';
import { UsageError } from '../usage-error.ts';
import { auditCommand } from './commands/audit.ts';
import { benchCommand } from './commands/bench.ts';
import { checkCommand } from './commands/check.ts';
import { doctorCommand } from './commands/doctor.ts';
import { gateCommand } from './commands/gate.ts';
import { listCommand } from './commands/list.ts';
import { mergeCommand } from './commands/merge.ts';
import { replayCommand } from './commands/replay.ts';
import { reportCommand } from './commands/report.ts';
import { runCommand } from './commands/run.ts';
import { complain, say } from './terminal.ts';

const program = new Command('tierwise')
  .description('Proves, times and reports CPU kernels for Llama-family models, in every CPU feature tier.')
  .version(version)
  .addHelpText(
    'after',
    `
Examples:
  tierwise check                               prove the built-in kernels in every tier of this machine
  tierwise check --library ./libmine.so        prove your own (docs/add-a-kernel.md)
  tierwise check --op rms_norm --tier avx2 --cases 20000 --json run.json
  tierwise replay .tierwise/failures/FILE.json run one failure again
  tierwise run                                 check, bench and report in one

Exit codes: 0 all executed cells hold, 1 a finding, 2 a usage or set-up error, or a check that is not whole.
Environment: NO_COLOR turns colours off.`,
  )
  .exitOverride();

for (const make of [
  checkCommand,
  benchCommand,
  reportCommand,
  mergeCommand,
  gateCommand,
  replayCommand,
  listCommand,
  doctorCommand,
  auditCommand,
  runCommand,
]) {
  program.addCommand(make().exitOverride());
}
for (const command of [program, ...program.commands]) {
  const help = command === program ? 'tierwise --help' : `tierwise ${command.name()} --help`;
  command.configureOutput({
    outputError: text => complain(`${text.replace(/^error: /, '').trim()} (${help} shows what there is)`),
  });
}

/** Runs the command line. Returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  // Whoever reads the output may have seen enough: `tierwise list | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof UsageError) {
      complain(error.message);
      return 2;
    }
    complain('this should not happen:');
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return 2;
  }
}
