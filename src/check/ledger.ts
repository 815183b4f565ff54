/**
 * The ledger: every cell that exists and its evidence, as the run document holds it.
 */

import { join } from 'node:path';
import type { Op } from '../case/case.ts';
import type { FloatDtype } from '../case/dtype.ts';
import { numericsNames } from '../case/numerics.ts';
import { pathWords } from '../path-words.ts';
import { promiseBits } from '../providers/protocol.ts';
import {
  type Kernel,
  kernelId,
  type LoadedProvider,
  promises,
  providerNamed,
  whyUnavailable,
} from '../providers/provider.ts';
import type { Cell, Finding, Run } from '../run/document.ts';
import { UsageError } from '../usage-error.ts';
import type { Checked, Found } from './check.ts';
import { noEvidence } from './evidence.ts';
import { type Failure, failureName, failureVersion, writeFailure } from './failure-file.ts';
import { drawCase } from './generate.ts';
import type { OwnCases } from './own-cases.ts';
import { suiteOf } from './properties.ts';

/** Where a kernel was executed. */
export interface Place {
  /** Which of the run's machines. */
  readonly machine: number;
  /** The CPU that was emulated for it. */
  readonly emulated?: string;
}

/** Places by kernel id; who is not in it was executed on the machine itself. */
export type Places = ReadonlyMap<string, Place>;

const onMachine: Place = { machine: 0 };

/** The cells of all kernels in question, executed or not. */
export function cellsOf(
  providers: readonly LoadedProvider[],
  kernels: readonly Kernel[],
  dtypes: readonly FloatDtype[],
  checked: Checked | null,
  seed: number,
  own: OwnCases = {},
  places: Places = new Map(),
): Cell[] {
  return kernels.flatMap(kernel => {
    const provider = providers.find(candidate => candidate.name === kernel.provider)!;
    return dtypes.map((dtype): Cell => {
      const key = `${kernelId(kernel)}#${dtype}` as const;
      const evidence = checked?.evidence.get(key) ?? noEvidence();
      const failures = checked?.found.filter(
        ({ sighting }) => sighting.kernel === kernelId(kernel) && sighting.dtype === dtype,
      );
      const { worst, properties, when: _, ...counts } = evidence;
      const cell = {
        provider: kernel.provider,
        op: kernel.op,
        kernel: kernel.name,
        tier: kernel.tier,
        dtype,
        machines: counts.cases > 0 ? [(places.get(kernelId(kernel)) ?? onMachine).machine] : [],
        ...counts,
        worst: worst && { ...worst, case: drawCase(suiteOf(kernel.op), seed, worst.k, own[kernel.op]).case },
        properties: Object.entries(properties).map(([name, tally]) => ({ name, ...tally })),
        digest: checked?.digests.get(key) ?? null,
        build: provider.build,
        numerics: numericsNames[kernel.numerics] ?? `class ${kernel.numerics}`,
        promises: (Object.keys(promiseBits) as (keyof typeof promiseBits)[]).filter(p => promises(kernel, p)),
      };
      return {
        ...cell,
        ...verdictOf(
          provider,
          kernel,
          cell,
          failures ?? [],
          checked !== null,
          checked?.died.has(kernelId(kernel)) ?? false,
        ),
      };
    });
  });
}

/** From what was seen to a verdict. Starts from `not-run`; only evidence makes it `pass`. */
function verdictOf(
  provider: LoadedProvider,
  kernel: Kernel,
  cell: Pick<Cell, 'cases' | 'supported' | 'asked' | 'elements' | 'telling' | 'properties' | 'executed'>,
  failures: readonly Found[],
  wasChecked: boolean,
  died: boolean,
): Pick<Cell, 'verdict' | 'reason'> {
  if (failures.length > 0) {
    const { breach } = failures[0].shrunk;
    return { verdict: 'fail', reason: `${breach.property}: ${breach.message}` };
  }
  const failed = cell.properties.find(property => property.failed > 0);
  if (failed) return { verdict: 'fail', reason: `${failed.name} failed ${failed.failed} times` };
  if (!kernel.available) return { verdict: 'unavailable', reason: whyUnavailable(provider, kernel) };
  if (died) return { verdict: 'not-run', reason: 'not asked: the kernel crashed or hung in another type' };
  if (!wasChecked || cell.asked === 0) return { verdict: 'not-run', reason: 'no case was asked of it' };
  if (cell.supported === 0) {
    return { verdict: 'unsupported', reason: `it answered unsupported to all ${cell.asked} cases` };
  }
  if (cell.telling === 0) {
    return {
      verdict: 'not-run',
      reason: 'no comparison saw a finite value other than zero: nothing is proved',
    };
  }
  const forced = `${kernel.op}/${kernel.name}/${kernel.tier}`;
  const other = cell.executed.find(id => id !== forced);
  if (other) return { verdict: 'fail', reason: `it was asked for ${forced} and executed ${other}` };
  return { verdict: 'pass' };
}

/** The path that a failure file needs; null where the name says it all. */
function pathToTell({ name, path }: LoadedProvider): string | null {
  return providerNamed(name)?.path === path ? null : path;
}

/** Findings with their failure files, which are written here; `unwritten` is told of each that can't be. */
export function fileFindings(
  found: readonly Found[],
  providers: readonly LoadedProvider[],
  kernels: readonly Kernel[],
  seed: number,
  folder: string,
  unwritten: (error: UsageError) => void = error => {
    throw error;
  },
  places: Places = new Map(),
): Finding[] {
  return found.map(({ sighting, shrunk, shares = null, file: kept }) => {
    const kernel = kernels.find(candidate => kernelId(candidate) === sighting.kernel)!;
    const provider = providers.find(candidate => candidate.name === kernel.provider)!;
    const { name, tier, op } = kernel;
    const { property, message, elements } = shrunk.breach;
    const { machine, emulated } = places.get(sighting.kernel) ?? onMachine;
    const failure: Failure = {
      version: failureVersion,
      kernel: {
        provider: provider.name,
        library: pathToTell(provider),
        build: provider.build,
        op,
        name,
        tier,
      },
      ...(emulated && { emulated }),
      property,
      message,
      found: { seed, k: sighting.k },
      case: shrunk.case,
    };
    const file = kept ? pathWords(kept) : join(folder, failureName(failure, sighting.dtype));
    try {
      if (!kept) writeFailure(file, failure);
    } catch (error) {
      // A full disk is no reason to lose what was found.
      if (!(error instanceof UsageError)) throw error;
      unwritten(error);
    }
    const { steps, runs, fromElements, toElements, explained } = shrunk;
    return {
      provider: provider.name,
      op,
      kernel: name,
      tier,
      dtype: sighting.dtype,
      machine,
      property,
      message,
      k: sighting.k,
      case: shrunk.case,
      shrunk: { steps, runs, fromElements, toElements },
      explanation: explained ? { ...explained, shares } : null,
      elements: [...elements],
      file,
      replay: `tierwise replay ${file}`,
    };
  });
}

/** Edge counts of all dimensions, zeros included. */
export function edgesOf(checked: Checked): Run['edges'] {
  return [...checked.edges].flatMap(([op, counts]: [Op, Record<string, Record<string, number>>]) =>
    suiteOf(op).dimensions.flatMap(({ name, edges }) =>
      edges.map(edge => ({ op, dimension: name, edge, cases: counts[name]?.[edge] ?? 0 })),
    ),
  );
}
