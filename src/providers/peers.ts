/**
 * Peers: other people's libraries, known by name, to be proved and timed beside the kernels in question. Each is
 * an adapter of this project (a library with the C interface) around a shared object that an npm package brings,
 * if it is installed. See docs/peers.md.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../root.ts';
import { UsageError } from '../usage-error.ts';
import type { Provider } from './provider.ts';

/** A peer, by the names of its parts. */
interface Peer {
  readonly name: string;
  /** The adapter, in target/release. */
  readonly adapter: string;
  /** The npm package that brings the library: an optional dependency. */
  readonly package: string;
  /** Environment variable in which the adapter looks for the library's path. */
  readonly variable: string;
  /** Whether a file of the package is the library, for this machine. */
  readonly isLibrary: (path: string) => boolean;
}

const peers: readonly Peer[] = [
  {
    name: 'onnxruntime',
    adapter: 'libtierwise_onnxruntime.so',
    package: 'onnxruntime-node',
    variable: 'TIERWISE_ONNXRUNTIME',
    isLibrary: path => path.includes(`linux/${process.arch}/`) && /libonnxruntime\.so\.\d+$/.test(path),
  },
];

/** Names of all peers. */
export const peerNames: readonly string[] = peers.map(({ name }) => name);

/**
 * The peer of a name; undefined where there is none. Its library is told to the adapters that this process
 * loads, and to the runners that it starts. What the environment says goes before what is installed.
 *
 * @throws UsageError when the adapter is not built.
 */
export function peer(name: string): Provider | undefined {
  const known = peers.find(candidate => candidate.name === name);
  if (!known) return undefined;
  const path = join(projectRoot, 'target/release', known.adapter);
  if (!existsSync(path))
    throw new UsageError(`the adapter of ${name} is not built (${path}): run npm start, or npm run build`);
  const library = process.env[known.variable] ?? installed(known);
  if (library === undefined || !existsSync(library)) {
    const what = library
      ? `${library} (${known.variable}) is not there`
      : `${known.package} is not installed`;
    return { name, path, missing: `${what}; to get it: npm install ${pinned(known)}` };
  }
  process.env[known.variable] = library;
  return { name, path, parts: [library] };
}

/** Where the package's library is, if it is installed. */
function installed({ package: name, isLibrary }: Peer): string | undefined {
  const folder = join(projectRoot, 'node_modules', name, 'bin');
  if (!existsSync(folder)) return undefined;
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(isLibrary);
  return paths.length > 0 ? join(folder, paths[0]) : undefined;
}

/** The package with the version that this project asks for. */
function pinned({ package: name }: Peer): string {
  const { optionalDependencies } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    optionalDependencies?: Readonly<Record<string, string>>;
  };
  const version = optionalDependencies?.[name];
  return version ? `${name}@${version}` : name;
}
