/** `tierwise list`. */

import { Command } from 'commander';
import { suites } from '../../../suites/index.ts';
import { numericsNames } from '../../case/numerics.ts';
import type { Promised } from '../../case/promise.ts';
import { examined } from '../../check/examine.ts';
import { propertiesOf } from '../../check/properties.ts';
import { promiseBits } from '../../providers/protocol.ts';
import { promises } from '../../providers/provider.ts';
import { type Selection, select, withSelection } from '../options.ts';
import { table } from '../terminal.ts';

interface ListOptions extends Selection {
  properties?: boolean;
  shapes?: boolean;
}

export function listCommand(): Command {
  return withSelection(new Command('list'))
    .description('list kernels; or the properties or shapes of the suites')
    .option('--properties', 'what is asked of kernels, op by op')
    .option('--shapes', 'what is put on the clock')
    .action((options: ListOptions) => {
      const chosen = suites.filter(suite => !options.op || options.op.includes(suite.op));
      let text: string;
      if (options.properties) {
        const everyRun = Object.entries(examined).map(([name, says]) => ['every run', name, says]);
        const asked = chosen.flatMap(suite =>
          propertiesOf(suite.op).map(({ name, says }) => [suite.op, name, says]),
        );
        text = table(['op', 'property', 'what must hold'], ['left', 'left', 'left'], [...everyRun, ...asked]);
      } else if (options.shapes) {
        const rows = chosen.flatMap(suite =>
          suite.shapes.map(({ name, size, long }) => [suite.op, name, size, long ? 'not in quick runs' : '']),
        );
        text = table(['op', 'shape', 'rows x n', ''], ['left', 'left', 'right', 'left'], rows);
      } else {
        const { kernels, providers } = select(options);
        const words = Object.keys(promiseBits) as Promised[];
        const rows = kernels.map(kernel => [
          kernel.provider,
          kernel.op,
          kernel.name,
          kernel.tier,
          kernel.available ? 'yes' : 'no',
          numericsNames[kernel.numerics] ?? `class ${kernel.numerics}`,
          words.filter(word => promises(kernel, word)).join(', ') || 'none',
        ]);
        const head = ['provider', 'op', 'kernel', 'tier', 'runs here', 'numerics', 'promises'];
        text = table(head, ['left', 'left', 'left', 'left', 'left', 'left', 'left'], rows);
        for (const { name, version, build, foreign } of providers) {
          text += `\n${name} ${version}, build ${build}`;
          if (foreign.length > 0) text += `; not known here: ${foreign.join(', ')}`;
        }
      }
      process.stdout.write(`${text}\n`);
    });
}
