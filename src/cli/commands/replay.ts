/** `tierwise replay`. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { dump } from '../../check/dump.ts';
import { type Failure, readFailure } from '../../check/failure-file.ts';
import { placeText } from '../../check/property.ts';
import { replay } from '../../check/replay.ts';
import { loadHere } from '../../providers/js/start.ts';
import { isModule, kernelId, providerNamed } from '../../providers/provider.ts';
import { colours, say, table } from '../terminal.ts';

interface ReplayOptions {
  inProcess?: boolean;
  library?: string;
  dump?: string;
}

/** A module of kernels is loaded before it is called in this process. */
async function loadModule({ kernel }: Failure, library: string | undefined): Promise<void> {
  const named = library ?? kernel.library;
  const path = named === null ? providerNamed(kernel.provider)?.path : resolve(named);
  if (path && isModule(path) && existsSync(path)) await loadHere(path);
}

export function replayCommand(): Command {
  return new Command('replay')
    .description('run a failure file again; exit 1 when it fails, 0 when it holds, 2 when it cannot be asked')
    .argument('<file>', 'the failure file')
    .option('--in-process', 'in this process, for a debugger or profiler: a crash then is a crash')
    .option('--library <path>', 'the kernels of this shared library, instead of where the file says')
    .option('--dump <folder>', 'write inputs, reference, bound and output as .npy')
    .action(async (file: string, options: ReplayOptions) => {
      const failure = readFailure(file);
      if (options.inProcess) await loadModule(failure, options.library);
      let written: string[] = [];
      const { kernel, provider, breach } = replay(failure, {
        inProcess: options.inProcess ?? false,
        ...(options.library && { library: options.library }),
        inspect: (lab, kernel) => {
          if (options.dump) written = dump(lab, kernel, failure.case, options.dump);
        },
      });
      if (provider.build !== failure.kernel.build) {
        say(`the code has changed since: it was ${failure.kernel.build}, it is ${provider.build}`);
      }
      if (written.length > 0) say(`${options.dump}: ${written.join(', ')}`);
      if (!breach) {
        process.stdout.write(`${colours.green('holds')} ${failure.property} of ${kernelId(kernel)}\n`);
        return;
      }
      process.stdout.write(
        `${colours.red('fails')} ${breach.property} of ${kernelId(kernel)}\n  ${breach.message}\n`,
      );
      if (breach.elements.length > 0) {
        const rows = breach.elements.map(element => [
          placeText(element.role, element.at),
          element.expected,
          element.seen,
          element.seenBits,
          element.excess?.toPrecision(3) ?? '',
          element.bound?.toPrecision(3) ?? '',
        ]);
        const head = ['element', 'expected', 'seen', 'bits', 'excess', 'bound'];
        process.stdout.write(`${table(head, ['left', 'right', 'right', 'right', 'right', 'right'], rows)}\n`);
      }
      process.exitCode = 1;
    });
}
