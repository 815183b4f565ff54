/**
 * Who brings kernels, and which they are.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { type Op, ops } from '../case/case.ts';
import { type Numerics, numericsNames } from '../case/numerics.ts';
import type { Promised } from '../case/promise.ts';
import { UsageError } from '../usage-error.ts';
import { Host, HostError } from './host.ts';
import { peer } from './peers.ts';
import { promiseBits, type Survey } from './protocol.ts';
import { SlotPool } from './slots.ts';

/** A source of kernels. */
export interface Provider {
  /** `native`, a peer's name, or a library's own. */
  readonly name: string;
  /** The shared object; null: the kernels built into the runner. */
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
    const kernels: Kernel[] = [];
    const foreign: string[] = [];
    for (const [index, row] of table.kernels.entries()) {
      const op = ops.find(known => known === row.op);
      if (op) kernels.push({ ...row, op, provider: name, index });
      else foreign.push(`${row.op}/${row.name}/${row.tier}`);
    }
    return {
      ...provider,
      name,
      version: table.version,
      build: buildOf(provider, table.version),
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

/** A provider that is known by its name: `native`, or a peer. */
export function providerNamed(name: string): Provider | undefined {
  return name === native.name ? native : peer(name);
}

/** Why a kernel can't run here. */
export function whyUnavailable(provider: Provider, kernel: Kernel): string {
  return provider.missing ?? `this machine cannot run ${kernel.tier}`;
}

/** A provider for the shared object at a path. */
export function libraryAt(path: string): Provider {
  const absolute = resolve(path);
  if (!existsSync(absolute)) throw new UsageError(`no library at ${path}`);
  return { name: basename(path), path: absolute };
}

function buildOf(provider: Provider, version: string): string {
  return provider.path === null
    ? (version.split('+')[1] ?? version)
    : libraryBuild(provider.path, ...(provider.parts ?? []));
}

/** What names the code of a shared object, or of several files: the beginning of their SHA-256. */
export function libraryBuild(...paths: readonly string[]): string {
  const sum = createHash('sha256');
  for (const path of paths) sum.update(readFileSync(path));
  return sum.digest('hex').slice(0, 16);
}
