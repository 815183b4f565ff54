/** Planted bugs: the check fails exactly the broken kernels, and every failure can be run again. */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entryName, ownManifest, readManifest, rowOf } from '../src/audit/manifest.ts';
import { outputElements } from '../src/case/case.ts';
import { type Failure, failureVersion, readFailure, writeFailure } from '../src/check/failure-file.ts';
import { drawCase } from '../src/check/generate.ts';
import { defaultPatience } from '../src/providers/host.ts';
import { libraryAt, load } from '../src/providers/provider.ts';
import type { Finding, Run } from '../src/run/document.ts';
import { rmsNorm } from '../suites/rms_norm/index.ts';
import { check, type Ended, makeFolder, mutants, tempFolder, tierwise } from './testing/cli.ts';

/** The kernels of RMSNorm that are no row of the bug catalogue: those are the audit's (audit.test.ts). */
const entries = readManifest(ownManifest).filter(({ op, name }) => op === 'rms_norm' && rowOf(name) === null);
const correct = entries.filter(({ is }) => is === 'correct').map(({ name }) => name);
const broken = entries.filter(entry => entry.is === 'broken');
const allBroken = broken.map(({ name }) => name);
/** By how they must be caught. */
const properties = [...new Set(broken.map(({ by }) => by))];
const caughtBy = (property: string) => broken.filter(({ by }) => by === property).map(({ name }) => name);

const folder = makeFolder();
let checked: Ended & { run: Run };

beforeAll(async () => {
  const kernels = [...correct, ...allBroken].join();
  checked = await check(
    ['--library', mutants, '--op', 'rms_norm', '--kernel', kernels, '--cases', '80'],
    folder,
  );
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const findingsOf = (kernel: string): Finding[] => checked.run.findings.filter(f => f.kernel === kernel);

test('the library holds what its manifest says, and nothing else', () => {
  const names = load(libraryAt(mutants)).kernels.map(entryName);
  expect(names.sort()).toEqual(readManifest(ownManifest).map(entryName).sort());
});

test('exactly the broken kernels fail, the correct ones pass in every type', () => {
  expect(checked.status).toBe(1);
  const by = (verdict: string) =>
    new Set(checked.run.cells.filter(cell => cell.verdict === verdict).map(cell => cell.kernel));
  expect([...by('fail')].sort()).toEqual([...allBroken].sort());
  expect([...by('pass')].sort()).toEqual([...correct].sort());
  for (const cell of checked.run.cells.filter(({ kernel }) => correct.includes(kernel))) {
    expect(cell).toMatchObject({ verdict: 'pass', supported: cell.asked });
    expect(cell.telling).toBeGreaterThan(1000);
  }
});

test('no cell is green that was not executed, no fatal one is asked on', () => {
  for (const cell of checked.run.cells) {
    if (cell.cases === 0) expect(cell.verdict).toBe('not-run');
    if (caughtBy('survival').includes(cell.kernel)) expect(cell.cases).toBeLessThan(10);
    else expect(cell.executed).toEqual([`rms_norm/${cell.kernel}/${cell.tier}`]);
    expect(cell.digest !== null).toBe(!caughtBy('survival').includes(cell.kernel));
  }
});

test('every field that a cell is read by is there', () => {
  const [library] = checked.run.providers;
  for (const cell of checked.run.cells) {
    expect(cell).toMatchObject({ provider: library.name, op: 'rms_norm', build: library.build });
    expect(cell.worst === null).toBe(cell.elements === 0);
  }
  expect(new Set(checked.run.cells.map(c => `${c.kernel}/${c.tier}/${c.dtype}`)).size).toBe(
    entries.length * 3,
  );
});

describe.each(properties)('%s', property => {
  test.each(caughtBy(property))('%s has a case made small', kernel => {
    const found = findingsOf(kernel).filter(f => f.property === property);
    expect(found.length).toBeGreaterThan(0);
    for (const { shrunk, case: c, message } of found) {
      expect(outputElements(c)).toBe(shrunk.toElements);
      expect(shrunk.toElements).toBeLessThanOrEqual(32);
      expect(shrunk.runs).toBeLessThanOrEqual(kernel === 'never-returns' ? 20 : 400);
      expect(message).not.toBe('');
    }
  });
});

test('a death is told by what it was', () => {
  const words: Record<string, RegExp> = {
    'reads-past-end': /SIGSEGV.*reading 0 bytes past the end of the memory of/,
    'writes-past-end': /SIGSEGV.*writing 0 bytes past the end of the memory of y/,
    aborts: /SIGABRT/,
    segfaults: /SIGSEGV/,
    'illegal-instruction': /SIGILL/,
    'never-returns': /no answer in \d+ ms/,
  };
  for (const [kernel, wanted] of Object.entries(words)) expect(findingsOf(kernel)[0].message).toMatch(wanted);
  // It is doubted within two seconds; the time that a finding names is that of a second, longer look.
  expect(defaultPatience).toBeLessThanOrEqual(2000);
});

describe('a failure file', () => {
  /** One of each kernel and property. */
  const samples = (): Finding[] => [
    ...new Map(checked.run.findings.map(f => [`${f.kernel} ${f.property}`, f] as const)).values(),
  ];

  test('is there for every finding, and holds its case', () => {
    const files = checked.run.findings.map(finding => finding.file);
    expect(new Set(files).size).toBe(files.length);
    expect(readdirSync(join(folder, '.tierwise/failures')).length).toBe(files.length);
    for (const finding of checked.run.findings) {
      const failure = readFailure(join(folder, finding.file));
      expect(failure.case).toEqual(finding.case);
      expect(finding.replay).toBe(`tierwise replay ${finding.file}`);
      const { kernel, tier, op } = finding;
      expect(failure.kernel).toMatchObject({ name: kernel, tier, op, library: mutants });
    }
  });

  test('fails again when it is replayed, in the same words', async () => {
    expect(samples().length).toBeGreaterThanOrEqual(allBroken.length);
    await inTurns(samples(), async finding => {
      const { status, stdout, stderr } = await tierwise(['replay', finding.file], folder);
      expect({ kernel: finding.kernel, status, stderr }).toEqual({
        kernel: finding.kernel,
        status: 1,
        stderr: '',
      });
      expect(stdout).toContain(`fails ${finding.property} of mutants/rms_norm/${finding.kernel}`);
      // Where a library is loaded, and so an address, is another thing each time.
      const stable = finding.message.replace(/ at address 0x[0-9a-f]+.*/, '');
      expect(stdout).toContain(stable);
    });
  });

  test('holds when its kernel is a correct one', async () => {
    const fixed = tempFolder();
    await inTurns(samples(), async (finding, i) => {
      const failure = readFailure(join(folder, finding.file));
      const file = join(fixed, `${i}.json`);
      writeFailure(file, { ...failure, kernel: { ...failure.kernel, name: 'sequential', tier: 'scalar' } });
      const { status, stdout } = await tierwise(['replay', file], fixed);
      expect({ kernel: finding.kernel, property: finding.property, status }).toMatchObject({ status: 0 });
      expect(stdout).toContain(`holds ${finding.property} of mutants/rms_norm/sequential/scalar`);
    });
  });

  test('of one property does not hold where the kernel breaks another', async () => {
    // This one aborts on rows of more than one element.
    const { file: long } = samples().find(({ case: c }) => c.tensors.x.shape[1] > 1)!;
    const failure = readFailure(join(folder, long));
    const file = join(tempFolder(), 'other.json');
    writeFailure(file, { ...failure, kernel: { ...failure.kernel, name: 'aborts', tier: 'scalar' } });
    const { status, stdout } = await tierwise(['replay', file], folder);
    expect(status).toBe(1);
    expect(stdout).toContain('fails survival of mutants/rms_norm/aborts/scalar');
  });

  test('runs in process too', async () => {
    const { file, message } = findingsOf('ignores-eps')[0];
    const { status, stdout } = await tierwise(['replay', '--in-process', file], folder);
    expect(status).toBe(1);
    expect(stdout).toContain(message);
  });

  test('may name its library elsewhere', async () => {
    const failure = readFailure(join(folder, findingsOf('returns-nan')[0].file));
    const file = join(tempFolder(), 'moved.json');
    writeFailure(file, { ...failure, kernel: { ...failure.kernel, library: '/nowhere/libmine.so' } });
    const gone = await tierwise(['replay', file], folder);
    expect(gone.status).toBe(2);
    expect(gone.stderr).toBe(
      'tierwise: the library /nowhere/libmine.so is not there: give its place with --library PATH (libmine.so)\n',
    );
    expect((await tierwise(['replay', file, '--library', mutants], folder)).status).toBe(1);
  });

  test('is laid open as .npy files', async () => {
    const dump = join(tempFolder(), 'dump');
    const k = Array.from({ length: 400 }, (_, i) => i).find(i => {
      const { tensors } = drawCase(rmsNorm, 1, i).case;
      return tensors.residualOut && tensors.weight && tensors.x.dtype === 'bf16' && tensors.x.shape[0] > 1;
    })!;
    const c = drawCase(rmsNorm, 1, k).case;
    const failure: Failure = {
      version: failureVersion,
      kernel: {
        provider: 'mutants',
        library: mutants,
        build: '',
        op: 'rms_norm',
        name: 'pairwise',
        tier: 'scalar',
      },
      property: 'equivalence',
      message: '',
      found: { seed: 1, k },
      case: c,
    };
    const file = join(tempFolder(), 'whole.json');
    writeFileSync(file, JSON.stringify(failure));
    expect((await tierwise(['replay', file, '--dump', dump], folder)).status).toBe(0);
    const [rows, n] = c.tensors.x.shape;
    const roles = ['x', 'weight', 'residual', 'y', 'residualOut'];
    const refs = ['y', 'residualOut'].flatMap(role => [`${role}.reference`, `${role}.bound`]);
    expect(readdirSync(dump).sort()).toEqual([...roles, ...refs].map(name => `${name}.npy`).sort());
    for (const name of [...roles, ...refs]) {
      const bytes = readFileSync(join(dump, `${name}.npy`));
      const size = refs.includes(name) ? 8 : 4;
      const header = bytes.subarray(10, 10 + bytes.readUInt16LE(8)).toString('latin1');
      expect(header).toContain(name === 'weight' ? `'shape': (${n},)` : `'shape': (${rows}, ${n})`);
      expect(bytes.length - 10 - header.length).toBe((name === 'weight' ? 1 : rows) * n * size);
    }
    expect(existsSync(`${dump}/x.npy`)).toBe(true);
  });
});

test('correct kernels of any summation order pass on every recipe and all edges of data', async () => {
  const kernels = ['--op', 'rms_norm', '--kernel', correct.join()];
  const args = ['--library', mutants, ...kernels, '--cases', '400', '--seed', '5'];
  const { status, run } = await check(args, tempFolder());
  expect(run.findings).toEqual([]);
  expect(status).toBe(0);
  expect(run.cells.map(cell => cell.verdict)).toEqual(run.cells.map(() => 'pass'));
  const unreached = run.edges.filter(({ dimension, cases }) => dimension === 'data' && cases === 0);
  expect(unreached).toEqual([]);
});

/** Two at a time, as many as there are cores to spare. */
async function inTurns<T>(items: readonly T[], act: (item: T, i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      await act(items[i], i);
    }
  };
  await Promise.all([work(), work()]);
}
