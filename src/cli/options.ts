/** Options that commands share, and what they come to. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Op, ops } from '../case/case.ts';
import { type FloatDtype, floatDtypes } from '../case/dtype.ts';
import { peerNames } from '../providers/peers.ts';
import {
  type Kernel,
  type LoadedProvider,
  libraryAt,
  load,
  native,
  ownNames,
  providerNamed,
} from '../providers/provider.ts';
import { tiers } from '../run/document.ts';
import { UsageError } from '../usage-error.ts';

/** Which cells a command is about. */
export interface Selection {
  op?: string[];
  tier?: string[];
  dtype?: FloatDtype[];
  kernel?: string[];
  provider?: string[];
  library?: string[];
  peer?: string[];
}

const collect = (value: string, previous: string[] = []) => [...previous, ...value.split(',')];

/** Takes one of some words, or several with commas or by repeating. */
function oneOf<T extends string>(words: readonly T[], what: string) {
  return (value: string, previous: T[] = []): T[] => {
    const chosen = value.split(',').map(word => {
      const known = words.find(candidate => candidate === word);
      if (!known)
        throw new InvalidArgumentError(`there is no ${what} "${word}"; there is ${words.join(', ')}`);
      return known;
    });
    return [...previous, ...chosen];
  };
}

/** Adds the filters. All of them may be given more than once, or with commas. */
export function withSelection(command: Command): Command {
  return command
    .addOption(new Option('--op <op>', `only these ops (${ops.join(', ')})`).argParser(oneOf(ops, 'op')))
    .option('--tier <tier>', `only these tiers (${tiers.join(', ')}, or a library's own)`, collect)
    .addOption(
      new Option('--dtype <type>', `only these types of x (${floatDtypes.join(', ')})`).argParser(
        oneOf(floatDtypes, 'type'),
      ),
    )
    .option('--kernel <name>', 'only kernels of these names', collect)
    .option(
      '--provider <name>',
      `only these providers (${[...ownNames, ...peerNames].join(', ')}, or the name of a library)`,
      collect,
    )
    .option(
      '--library <path>',
      'a shared library of kernels (kernel-abi.h) or a module (.mjs, .js, .ts), instead of the native ones; both with --provider native,NAME',
      collect,
    );
}

/** Adds the option that takes peers along. */
export function withPeers(command: Command): Command {
  const peers = new Option('--peer <name>', `beside them, and apart, these peers (${peerNames.join(', ')})`);
  return command.addOption(peers.argParser(oneOf(peerNames, 'peer')));
}

/** A whole number from `min` to `max`. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < min || value > max || text.trim() === '') {
      const most = max === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${max}`;
      throw new InvalidArgumentError(`it takes a whole number of at least ${min}${most}`);
    }
    return value;
  };
}

/** Seconds, from `30s`, `2m` or `500ms`. */
export function seconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  if (!match) throw new InvalidArgumentError('it takes a time such as 30s, 2m or 500ms');
  return Number(match[1]) * { ms: 0.001, s: 1, m: 60 }[match[2] as 'ms' | 's' | 'm'];
}

/** What a selection comes to. */
export interface Selected {
  readonly providers: readonly LoadedProvider[];
  readonly kernels: readonly Kernel[];
  readonly dtypes: readonly FloatDtype[];
  /** Names of the providers that are not in question, but compared with. */
  readonly peers: readonly string[];
}

/**
 * Loads providers and picks kernels.
 *
 * @throws UsageError when a library can't be loaded, or a filter leaves nothing.
 */
export function select(selection: Selection): Selected {
  const libraries = (selection.library ?? []).map(libraryAt);
  const known = (selection.provider ?? []).flatMap(name => providerNamed(name) ?? []);
  const subjects = [...(libraries.length + known.length === 0 ? [native] : known), ...libraries].map(load);
  const peers = (selection.peer ?? [])
    .filter(name => !subjects.some(subject => subject.name === name))
    .map(name => load(providerNamed(name)!));
  const providers = [...subjects, ...peers];
  const names = providers.map(provider => provider.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice)
    throw new UsageError(`two providers call themselves "${twice}": check them in runs of their own`);
  let kernels = subjects.flatMap(subject => subject.kernels);
  const narrow = (
    what: string,
    wanted: readonly string[] | undefined,
    of: (kernel: Kernel) => string,
  ): void => {
    if (!wanted) return;
    for (const word of wanted) {
      if (kernels.some(kernel => of(kernel) === word)) continue;
      const there = [...new Set(kernels.map(of))].join(', ');
      throw new UsageError(`no kernel has ${what} "${word}"; there is ${there || 'none left'}`);
    }
    kernels = kernels.filter(kernel => wanted.includes(of(kernel)));
  };
  narrow('provider', selection.provider, kernel => kernel.provider);
  narrow('op', selection.op as Op[] | undefined, kernel => kernel.op);
  narrow('tier', selection.tier, kernel => kernel.tier);
  narrow('name', selection.kernel, kernel => kernel.name);
  const beside = peers
    .flatMap(provider => provider.kernels)
    .filter(({ op }) => kernels.some(kernel => kernel.op === op));
  return {
    providers,
    kernels: [...kernels, ...beside],
    dtypes: selection.dtype ?? floatDtypes,
    peers: peers.map(({ name }) => name),
  };
}
