/** `tierwise merge`. */

import { Command } from 'commander';
import { counted } from '../../../reports/format.ts';
import { merge } from '../../run/merge.ts';
import { readRun, writeRun } from '../../run/store.ts';
import { ledgerTables, verdictText } from '../tables.ts';

export function mergeCommand(): Command {
  return new Command('merge')
    .description('join runs of the same kernels from several machines into one run document')
    .argument('<runs...>', 'run documents, merged ones too')
    .requiredOption('-o, --output <file>', 'where the joined run goes')
    .action((files: string[], { output }: { output: string }) => {
      const sources = files.map(name => ({ name, run: readRun(name) }));
      const run = merge(sources, ['tierwise', ...process.argv.slice(2)].join(' '));
      writeRun(output, run);
      process.stdout.write(`${ledgerTables(run)}\n\n${verdictText(run)}\n`);
      process.stdout.write(`${counted(run.parts.length, 'run')} in ${output}\n`);
    });
}
