/**
 * `tierwise/vitest`: a suite and a provider as vitest tests, one a cell and property.
 *
 *     import { describeSuite } from 'tierwise/vitest';
 *     describeSuite('rms_norm', { library: 'build/libmine.so' });
 *
 * What a test does not see executed is skipped with the reason, never green. A failing one says what was asked and
 * seen, the smallest case that still fails, and the line that runs it again. Evidence is gathered once, before the
 * first test, as `tierwise check` does it.
 */

import { join } from 'node:path';
import { beforeAll, describe, expect, type TestContext, test } from 'vitest';
import type { Op } from '../case/case.ts';
import type { FloatDtype } from '../case/dtype.ts';
import { examined } from '../check/examine.ts';
import { propertiesOf } from '../check/properties.ts';
import { makeRun, outputFolder } from '../cli/make-run.ts';
import { seconds, select } from '../cli/options.ts';
import type { Cell, Run } from '../run/document.ts';

/** Whose kernels: one of the two. Paths are relative to the folder in which vitest runs. */
export type Source =
  /** A shared library, or a module of kernels. */
  | { readonly library: string }
  /** `native`, `js`. */
  | { readonly provider: string };

export interface SuiteOptions {
  /** Only these types. Default: all three. */
  readonly dtypes?: readonly FloatDtype[];
  /** Only kernels of these names. */
  readonly kernels?: readonly string[];
  /** Only these tiers. */
  readonly tiers?: readonly string[];
  /** Cases of the op. Default: as many as the budget allows. A number makes the tests repeat exactly. */
  readonly cases?: number;
  /** How long to check: `10s`, `2m`. Default: 3 s for each kernel, 12 s at least, or no limit where `cases` is given. */
  readonly budget?: string;
  /** Which sequence of cases. Default: 1. */
  readonly seed?: number;
  /** Threads, each with a runner process. Default: 1, since vitest runs files side by side. */
  readonly workers?: number;
  /** Folder of failure files. Default: `.tierwise/failures`. */
  readonly failures?: string;
  /** Milliseconds that all of it may take. Default: 10 minutes. */
  readonly timeout?: number;
}

/**
 * Makes the tests of an op's kernels.
 *
 * @throws UsageError when the provider can't be loaded, or nothing is left to test.
 */
export function describeSuite(op: Op, source: Source, options: SuiteOptions = {}): void {
  const selected = select({
    op: [op],
    ...('library' in source ? { library: [source.library] } : { provider: [source.provider] }),
    ...(options.dtypes && { dtype: [...options.dtypes] }),
    ...(options.kernels && { kernel: [...options.kernels] }),
    ...(options.tiers && { tier: [...options.tiers] }),
  });
  const { kernels, dtypes } = selected;
  const properties = [...Object.keys(examined), ...propertiesOf(op).map(({ name }) => name)];
  let run: Run;
  describe(`${kernels[0].provider} ${op}`, () => {
    beforeAll(async () => {
      run = await makeRun(selected, {
        seed: options.seed ?? 1,
        cases: options.cases ?? Infinity,
        budget: options.budget === undefined ? null : seconds(options.budget),
        properties: null,
        workers: options.workers ?? 1,
        check: true,
        emulate: 'none',
        bench: null,
        regressions: null,
        ownCases: null,
        failures: options.failures ?? join(outputFolder, 'failures'),
        writes: [],
      });
    }, options.timeout ?? 600_000);
    for (const { name, tier } of kernels) {
      for (const dtype of dtypes) {
        describe(`${name} ${tier} ${dtype}`, () => {
          const cell = (): Cell =>
            run.cells.find(c => c.kernel === name && c.tier === tier && c.dtype === dtype)!;
          test('verdict', context => askVerdict(cell(), context));
          for (const property of properties) {
            test(property, context => askProperty(run, cell(), property, context));
          }
        });
      }
    }
  });
}

/** What the ledger makes of the cell: a pass takes more than that no property failed. */
function askVerdict({ verdict, reason, cases }: Cell, { skip }: TestContext): void {
  const ran = verdict === 'pass' || verdict === 'fail' || cases > 0;
  if (!ran) skip(`${verdict}: ${reason}`);
  expect(verdict, reason).toBe('pass');
}

function askProperty(run: Run, cell: Cell, property: string, { skip }: TestContext): void {
  const found = run.findings.find(
    finding =>
      finding.kernel === cell.kernel &&
      finding.tier === cell.tier &&
      finding.dtype === cell.dtype &&
      finding.property === property,
  );
  if (found) {
    throw new Error(
      `${found.message}\n  the smallest case: ${JSON.stringify(found.case)}\n  ${found.replay}`,
    );
  }
  const tally = cell.properties.find(({ name }) => name === property);
  if (tally?.failed) {
    const first = run.findings.find(({ kernel, dtype }) => kernel === cell.kernel && dtype === cell.dtype);
    throw new Error(
      `it failed ${tally.failed} times of ${tally.failed + tally.held}; ` +
        `the first properties that failed were made small${first ? `, ${first.property} among them` : ''}`,
    );
  }
  // To decline every call is to hold in all of them: nothing that is worth a green test.
  const proved = cell.verdict === 'pass' || cell.verdict === 'fail';
  if (!tally?.held || !proved) skip(cell.reason ?? `not asked: none of ${cell.asked} cases came to it`);
}
