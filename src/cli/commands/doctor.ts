/** `tierwise doctor`. */

import { execFileSync } from 'node:child_process';
import { Command } from 'commander';
import { checkGolden } from '../../../reference/golden.ts';
import { emulator } from '../../providers/cpu.ts';
import { getEmulator } from '../../providers/emulated.ts';
import { load, native } from '../../providers/provider.ts';
import { thisMachine } from '../../run/machine.ts';
import { colours, table } from '../terminal.ts';

/** A program that something needs, and how to get it. */
interface Tool {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly use: string;
  readonly get: string;
}

const tools: readonly Tool[] = [
  {
    name: 'cargo',
    command: ['cargo', '--version'],
    use: 'builds the kernels',
    get: 'the Rust toolchain, by rustup',
  },
  {
    name: 'cc',
    command: ['cc', '--version'],
    use: 'builds C kernels and tests of the C interface',
    get: 'apt-get install gcc',
  },
  {
    name: 'chromium',
    command: ['chromium', '--version'],
    use: 'the test that opens the report',
    get: 'apt-get install chromium',
  },
  {
    name: emulator,
    command: [emulator, '--version'],
    use: 'tiers that this CPU lacks, and check --emulate',
    get: getEmulator,
  },
];

function versionOf([program, ...args]: Tool['command']): string | null {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')[0]
      .trim();
  } catch {
    return null;
  }
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('what this machine can run, what is missing and how to get it')
    .action(() => {
      const machine = thisMachine();
      const yes = colours.green('yes');
      const no = colours.yellow('no');
      const caches = machine.caches
        .map(({ name, bytes }) => `${name} ${Math.round(bytes / 1024)} KiB`)
        .join(', ');
      const tiers = machine.tiers.map(({ tier, available, why }) => [tier, available ? yes : no, why]);
      const found = tools.map(tool => {
        const there = versionOf(tool.command);
        return [tool.name, there ? yes : no, tool.use, there ?? `to get it: ${tool.get}`];
      });
      const provider = load(native);
      const golden = checkGolden();
      const out = [
        `${machine.model}, ${machine.cores} cores, ${caches}`,
        `${machine.system}, node ${machine.node}, XCR0 ${machine.xcr0 ?? 'not readable'}`,
        `features: ${machine.features.join(' ')}`,
        '',
        table(['tier', 'runs here', 'why not'], ['left', 'left', 'left'], tiers),
        '',
        table(['program', 'there', 'what for', ''], ['left', 'left', 'left', 'left'], found),
        '',
        `kernels: ${provider.name} ${provider.version}, ${provider.kernels.length} in the table`,
        golden.length === 0
          ? 'the reference agrees with its golden vectors'
          : `the reference is wrong: ${golden[0]}`,
      ];
      process.stdout.write(`${out.join('\n')}\n`);
      process.exitCode = golden.length === 0 ? 0 : 2;
    });
}
