/**
 * Bad input at the command line: whatever is wrong, one clear line on stderr that names the thing, exit code 2, and
 * nothing written. (Ways for files and libraries to be wrong: damage, failure-file, store and provider tests.)
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { greenRun } from '../reports/testing/sample.ts';
import { failureVersion, readFailure } from '../src/check/failure-file.ts';
import { drawCase } from '../src/check/generate.ts';
import { load, native } from '../src/providers/provider.ts';
import { compile, goodHead, table } from '../src/providers/testing/c-library.ts';
import { runVersion } from '../src/run/document.ts';
import { readRun } from '../src/run/store.ts';
import { damaged } from '../src/testing/damage.ts';
import { rmsNorm } from '../suites/rms_norm/index.ts';
import { contentOf, makeFolder, mutants, tierwise } from './testing/cli.ts';

const root = makeFolder();
afterAll(() => rmSync(root, { recursive: true }));

const [{ op, name, tier }] = load(native).kernels;
/** A failure of a kernel that is right. */
const failure = JSON.stringify({
  version: failureVersion,
  kernel: { provider: 'native', library: null, build: '', op, name, tier },
  property: 'equivalence',
  message: 'it was wrong once',
  found: { seed: 1, k: 0 },
  case: drawCase(rmsNorm, 1, 0).case,
});
const run = JSON.stringify(greenRun());
const normsAlone = compile(root, 'norms', table(goodHead));

/** A folder with files of every kind, whole and not. */
function furnished(): string {
  const folder = mkdtempSync(join(root, 'in-'));
  const files: Record<string, string> = {
    'failure.json': failure,
    'run.json': run,
    'half-failure.json': failure.slice(0, failure.length / 2),
    'half-run.json': run.slice(0, run.length / 2),
    'later-failure.json': failure.replace('"version":1', '"version":2'),
    'later-run.json': run.replace(`"version":${runVersion}`, `"version":${runVersion + 1}`),
    'hostile-failure.json': failure.replace('"offset":', '"offset":1000000'),
    'text.txt': 'the quick\nbrown\nfox\n',
    'libtext.so': 'int main(void) { return 0; }\n'.repeat(100),
  };
  for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content);
  mkdirSync(join(folder, 'folder'));
  return folder;
}

/** Runs a line that must be refused. */
async function refused(args: readonly string[], says: RegExp): Promise<void> {
  const folder = furnished();
  const before = contentOf(folder);
  const { status, stdout, stderr } = await tierwise(args, folder);
  expect(stderr).toMatch(says);
  expect(stderr).toMatch(/^tierwise: .*\n$/);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(contentOf(folder)).toEqual(before);
}

const library = (source: string) => compile(mkdtempSync(join(root, 'lib-')), 'bad', source);
const twoLines = `
  #include <stdio.h>
  #include <stdlib.h>
  ${table(goodHead)}
  __attribute__((constructor)) static void boom(void) { fputs("one\\ntwo\\n", stderr); abort(); }`;

describe.concurrent('is refused:', () => {
  test.each<[string[], RegExp]>([
    [['chek'], /unknown command 'chek'.*check/],
    [['check', '--opp', 'rms_norm'], /unknown option '--opp'.*--op/],
    [['check', 'rms_norm'], /too many arguments for 'check'/],
    [['check', '--op'], /option '--op <op>' argument missing/],
    [['check', '--op', 'rms_norm,conv'], /there is no op "conv"; there is rms_norm, rope, gqa/],
    [['check', '--library', normsAlone, '--op', 'gqa'], /no kernel has op "gqa"; there is rms_norm/],
    [['check', '--tier', 'avx3'], /no kernel has tier "avx3"; there is scalar/],
    [['bench', '--tier', 'avx3'], /no kernel has tier "avx3"/],
    [['bench', '--op', 'rope', '--shape', 'rows'], /no shape has "rows" in its name or size/],
    [['run', '--dtype', 'f64'], /there is no type "f64"; there is f32, f16, bf16/],
    [['list', '--kernel', 'fast'], /no kernel has name "fast"; there is /],
    [['check', '--provider', 'mine'], /no kernel has provider "mine"; there is native/],
    [['check', '--property', 'beauty'], /there is no property "beauty"; there is .*row order/],
    [['check', '--cases', '0'], /--cases.* '0' .*a whole number of at least 1/],
    [['check', '--seed', '4294967296'], /--seed.* '4294967296' .*at most 4294967295/],
    [['check', '--budget', '30'], /--budget.* '30' .*a time such as 30s/],
    [['replay'], /missing required argument 'file'/],

    [['replay', 'none.json'], /there is no failure file none\.json/],
    [['replay', 'text.txt'], /text\.txt is not a failure file: .*JSON/],
    [['replay', 'half-failure.json'], /half-failure\.json is not a failure file: .*JSON/],
    [['replay', 'later-failure.json'], /later-failure\.json .*at version it is 2: /],
    [['replay', 'hostile-failure.json'], /hostile-failure\.json .*at case\.(tensors|buffers)\./],
    [['replay', 'run.json'], /run\.json is not a failure file/],
    [['report', 'none.json'], /there is no run document none\.json/],
    [['report', 'text.txt', '-o', 'new.html'], /text\.txt is not a run document: .*JSON/],
    [['report', 'half-run.json', '-o', 'new.html'], /half-run\.json is not a run document: .*JSON/],
    [['report', 'later-run.json', '-o', 'new.html'], /later-run\.json .*at version it is \d: /],
    [['report', 'failure.json', '-o', 'new.html'], /failure\.json is not a run document/],

    [['check', '--library', 'libnothing.so'], /no library at libnothing\.so/],
    [['check', '--library', 'folder'], /folder: cannot load the library: .*[Dd]irectory/],
    [['check', '--library', 'libtext.so'], /libtext\.so: cannot load the library: .*invalid ELF header/],
    [['check', '--library', library('int unrelated;')], /libbad\.so: exports no tierwise_library\(\)/],
    [['list', '--library', library(table('2, 1, "a", "1", rows'))], /libbad\.so: speaks version 2 .*, not 1/],
    [['check', '--library', library(table('1, 1, (char *)8, "1", rows'))], /libbad\.so: ended .*: SIGSEGV/],
    [['check', '--library', library(twoLines)], /libbad\.so: ended .*: SIGABRT.*last words: one two/],
    [
      ['check', '--library', library(table(goodHead, 'K("conv", "a", "scalar")'))],
      /mine has no kernel of an op known here, but conv\/a\/scalar/,
    ],
    [['check', '--library', mutants, '--library', mutants], /two providers call themselves "mutants"/],

    [
      ['check', '--json', 'text.txt/deep/run.json'],
      /cannot write text\.txt\/deep\/run\.json: .*not a directory/,
    ],
    [['check', '--json', 'folder'], /cannot write folder: it is a folder/],
    [['check', '--failures', 'text.txt'], /cannot write text\.txt\/failure\.json: /],
    [['bench', '--json', 'folder'], /cannot write folder: it is a folder/],
    [['run', '-o', 'text.txt/report.html'], /cannot write text\.txt\/report\.html: /],
    [['report', 'run.json', '-o', 'text.txt/new.html'], /cannot write text\.txt\/new\.html: /],
    [['report', 'run.json', '-o', 'folder'], /cannot write folder: /],
    [['replay', 'failure.json', '--dump', 'text.txt'], /cannot write text\.txt\/x\.npy: /],
  ])('%j', refused);
});

/** Some of the damage that the readers' own tests go through (src/testing/damage.test.ts), as a user meets it. */
describe.concurrent('is refused, damaged by chance:', () => {
  const kinds = [
    ['a failure file', failure, ['replay', 'damaged.json'], readFailure],
    ['a run document', run, ['report', 'damaged.json', '-o', 'new.html'], readRun],
  ] as const;
  const files = kinds.flatMap(([kind, whole, args, read]) =>
    damaged(JSON.parse(whole), 30, 5)
      .filter(({ content }) => isRefused(content, read))
      .slice(0, 8)
      .map(({ what, content }) => [kind, what, args, content] as const),
  );

  test.each(files)('%s: %s', async (_, __, args, content) => {
    const folder = mkdtempSync(join(root, 'damaged-'));
    writeFileSync(join(folder, 'damaged.json'), content);
    const { status, stdout, stderr } = await tierwise(args, folder);
    expect(stderr).toMatch(/^tierwise: damaged\.json is not a .*\n$/);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});

function isRefused(content: Buffer, read: (path: string) => unknown): boolean {
  const path = join(mkdtempSync(join(root, 'probe-')), 'probe.json');
  writeFileSync(path, content);
  try {
    read(path);
    return false;
  } catch {
    return true;
  }
}

describe.concurrent('is taken:', () => {
  test('the failure file that was damaged above, whole', async () => {
    const { status, stdout } = await tierwise(['replay', 'failure.json'], furnished());
    expect(stdout).toMatch(/^holds equivalence of native/);
    expect(status).toBe(0);
  });

  test('the run that was damaged above, whole', async () => {
    const folder = furnished();
    expect((await tierwise(['report', 'run.json', '-o', 'new/report.html'], folder)).status).toBe(0);
    expect(readFileSync(join(folder, 'new/report.html'), 'utf8')).toContain('<html');
  });

  test('a library whose kernels decline everything; it is not green', async () => {
    const args = ['check', '--library', library(table(goodHead)), '--cases', '30'];
    const { status, stdout } = await tierwise(args, furnished());
    expect(stdout).toMatch(/unsupported +mine +rms_norm +a +scalar +f32 .* 0\/\d+$/m);
    expect(stdout).toContain('Nothing was proved (3 unsupported).');
    expect(stdout).not.toMatch(/\bpass\b/);
    expect(status).toBe(1);
  });

  test.each(['', 'check', 'bench', 'report', 'merge', 'gate', 'replay', 'list', 'doctor', 'run'])(
    '%s --help',
    async command => {
      const { status, stdout, stderr } = await tierwise([command, '--help'].filter(Boolean), root);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toContain(`Usage: ${['tierwise', command].filter(Boolean).join(' ')} `);
    },
  );
});

describe.concurrent('colours', () => {
  const colourCode = '\u001b[';
  test.each<[string, Record<string, string>, boolean]>([
    ['none in a pipe', {}, false],
    ['none in a pipe in CI', { CI: '1' }, false],
    ['none by NO_COLOR, over FORCE_COLOR', { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['an empty NO_COLOR says nothing', { NO_COLOR: '', FORCE_COLOR: '1' }, true],
  ])('%s', async (_, env, wanted) => {
    const { stdout } = await tierwise(['list'], root, env);
    expect(stdout.includes(colourCode)).toBe(wanted);
    const { stderr } = await tierwise(['list', '--tier', 'avx3'], root, env);
    expect(stderr.includes(colourCode)).toBe(wanted);
  });
});
