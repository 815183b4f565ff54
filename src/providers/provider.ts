/**
 * Who brings kernels, and which they are.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type Op, ops } from '../case/case.ts';
import { type Numerics, numericsNames } from '../case/numerics.ts';
import type { Promised } from '../case/promise.ts';
import { projectRoot } from '../root.ts';
import { UsageError } from '../usage-error.ts';
import type { Cpu } from './cpu.ts';
import { type Overclaim, overclaims } from './faked.ts';
import { Host, HostError, type Said } from './host.ts';
import { peer } from './peers.ts';
import { promiseBits, type Survey } from './protocol.ts';
import { SlotPool } from './slots.ts';

/** A source of kernels. */
export interface Provider {
  /** `native`, a peer's name, or a library's own. */
  readonly name: string;
  /** The shared object or the module; null: the kernels built into the runner. */
  readonly path: string | null;
  /** Files beside it that its code is made of. */
  readonly parts?: readonly string[];
  /** Why its kernels can't run here, and how to change that. */
  readonly missing?: string;
}

/** One implementation of an op in one tier. */
export interface Kernel {
  readonly provider: string;
  /** Row of the provider's table. */
  readonly index: number;
  readonly op: Op;
  readonly name: string;
  readonly tier: string;
  readonly available: boolean;
  readonly numerics: number;
  readonly promises: number;
  readonly code: Survey;
  /** CPUs on which it says that it can run, and can't. */
  readonly overclaims: readonly Overclaim[];
  /** How it is called, where that is not by the C interface. */
  readonly language?: 'js';
}

/** A provider with its table. */
export interface LoadedProvider extends Provider {
  readonly version: string;
  /** What its code is: for `native` the hash in its version, for a library the SHA-256 of its files. */
  readonly build: string;
  readonly kernels: readonly Kernel[];
  /** Rows for ops that are not known here. */
  readonly foreign: readonly string[];
}

/** `provider/op/name/tier`: unique among what a run has loaded. */
export function kernelId(kernel: Pick<Kernel, 'provider' | 'op' | 'name' | 'tier'>): string {
  return `${kernel.provider}/${kernel.op}/${kernel.name}/${kernel.tier}`;
}

/** Whether a kernel makes a promise of bits.md. */
export function promises(kernel: Kernel, promise: Promised): boolean {
  return (kernel.promises & promiseBits[promise]) !== 0;
}

/** The class whose bound a kernel is held to: the one that it declares, F32 where that is not known here. */
export function numericsOf(kernel: Kernel): Numerics {
  return numericsNames[kernel.numerics] ?? 'f32';
}

/** The kernels of this project. */
export const native: Provider = { name: 'native', path: null };

/** Every op once more, in plain JavaScript. */
export const baseline: Provider = {
  name: 'js',
  path: join(projectRoot, 'dist/src/providers/js/baseline/index.js'),
};

/** Whether a library is a module that Node loads. */
export function isModule(path: string | null): path is string {
  return path !== null && /\.m?[jt]s$/.test(path);
}

/**
 * Loads a provider's table, in a runner process of its own.
 *
 * @throws UsageError that names the library and what is wrong with it.
 */
export function load(provider: Provider): LoadedProvider {
  const host = new Host(provider, new SlotPool());
  try {
    const table = host.table();
    const name = provider.path === null ? provider.name : table.name;
    const overclaimed = isModule(provider.path)
      ? table.kernels.map(() => [])
      : overclaims(table.kernels, (cpu, rows) => saidOn(cpu, provider, rows));
    const kernels: Kernel[] = [];
    const foreign: string[] = [];
    for (const [index, row] of table.kernels.entries()) {
      const op = ops.find(known => known === row.op);
      if (op)
        kernels.push({
          ...row,
          op,
          provider: name,
          index,
          overclaims: overclaimed[index],
          ...(isModule(provider.path) && { language: 'js' }),
        });
      else foreign.push(`${row.op}/${row.name}/${row.tier}`);
    }
    return {
      ...provider,
      name,
      version: table.version,
      build: buildOf(provider, table.version, table.files),
      kernels,
      foreign,
    };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    throw new UsageError(`${provider.path ?? provider.name}: ${error.message}`);
  } finally {
    host.close();
  }
}

/** What rows of a provider's table say of whether they can run on a CPU. */
export function saidOn(cpu: Cpu, provider: Provider, rows: readonly number[]): Said[] {
  const host = new Host(provider, new SlotPool(), { cpu });
  try {
    return rows.map(row => host.available(row));
  } finally {
    host.close();
  }
}

/** Providers that are known by their names, and are no peers. */
const own: readonly Provider[] = [native, baseline];

/** Their names. */
export const ownNames: readonly string[] = own.map(({ name }) => name);

/** A provider that is known by its name: this project's, or a peer. */
export function providerNamed(name: string): Provider | undefined {
  return own.find(provider => provider.name === name) ?? peer(name);
}

/** Why a kernel can't run here. */
export function whyUnavailable(provider: Provider, kernel: Kernel): string {
  return provider.missing ?? `this machine cannot run ${kernel.tier}`;
}

/** A provider for the shared object or the module at a path. */
export function libraryAt(path: string): Provider {
  const absolute = resolve(path);
  if (!existsSync(absolute)) throw new UsageError(`no library at ${path}`);
  return { name: basename(path), path: absolute };
}

function buildOf(provider: Provider, version: string, files: readonly string[] = []): string {
  const { path, parts = [] } = provider;
  if (path === null) return version.split('+')[1] ?? version;
  return hashOf(path, ...parts, ...files.filter(file => file !== path).sort());
}

/** What names the code of the library at a path as it is now. */
export function libraryBuild(path: string): string {
  return isModule(path) ? load(libraryAt(path)).build : hashOf(path);
}

/** The beginning of the SHA-256 of files. */
function hashOf(...paths: readonly string[]): string {
  const sum = createHash('sha256');
  for (const path of paths) sum.update(readFileSync(path));
  return sum.digest('hex').slice(0, 16);
}
