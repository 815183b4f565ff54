/** `tierwise report`. */

import { join } from 'node:path';
import { Command } from 'commander';
import { renderReport } from '../../../reports/report.ts';
import { readRun, writeWhole } from '../../run/store.ts';
import { defaultRunFile, outputFolder } from '../make-run.ts';

export const defaultReport = join(outputFolder, 'report.html');

export function reportCommand(): Command {
  return new Command('report')
    .description('write a run as one HTML file that opens offline')
    .argument('[run]', 'the run document', defaultRunFile)
    .option('-o, --output <file>', 'where the report goes', defaultReport)
    .action((file: string, { output }: { output: string }) => {
      writeWhole(output, renderReport(readRun(file)));
      process.stdout.write(`${output}\n`);
    });
}
