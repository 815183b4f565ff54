/** A module of kernels, checked like any library: what is right passes, and whatever is wrong is a finding. */

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { libraryAt, libraryBuild, load } from '../src/providers/provider.ts';
import { projectRoot } from '../src/root.ts';
import type { Run } from '../src/run/document.ts';
import { check, type Ended, makeFolder, tempFolder, tierwise } from './testing/cli.ts';

/** The example's kernel, and what may become of it. */
const source = `
import { writeSync } from 'node:fs';
import { kernels as examples } from './right.mjs';

const right = examples[0].run;
/** Does what comes first where the call is one that the example does. */
const where = first => args => {
  const elements = args.x.shape[0] * args.x.shape[1];
  const answer = right(args);
  return answer === 'ok' && elements > 3 ? (first(args) ?? answer) : answer;
};
const kernel = (name, run) => ({ op: 'rms_norm', name, run });

export const name = 'planted';
export const version = '7';
export const kernels = [
  kernel('right', right),
  kernel('prints', where(() => { console.log('hello'); writeSync(1, 'hello'); })),
  kernel('throws', where(() => { throw new RangeError('not so long'); })),
  kernel('ends the process', where(() => process.exit(3))),
  kernel('aborts', where(() => process.abort())),
  kernel('hangs', where(() => { for (;;); })),
  kernel('promises', where(async () => 'ok')),
  kernel('returns a number', where(() => 0)),
  kernel('strays', where(({ x }) => { new Uint8Array(x.data.buffer).fill(1); })),
  kernel('ignores eps', args => right({ ...args, eps: args.eps && 0.5 })),
  kernel('accepts everything', args => { const answer = right(args); return answer === 'invalid' ? 'ok' : answer; }),
  { ...kernel('elsewhere', right), tier: 'mine', available: () => false },
];
`;

const folder = makeFolder();
const library = join(folder, 'planted.mjs');
let checked: Ended & { run: Run };

beforeAll(async () => {
  cpSync(join(projectRoot, 'examples/js/rms_norm.mjs'), join(folder, 'right.mjs'));
  writeFileSync(library, source);
  checked = await check(['--library', library, '--dtype', 'f32', '--cases', '160', '--workers', '1'], folder);
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true }));

const findingsOf = (kernel: string) => checked.run.findings.filter(finding => finding.kernel === kernel);

const broken = [
  'throws',
  'ends the process',
  'aborts',
  'hangs',
  'promises',
  'returns a number',
  'strays',
  'ignores eps',
];

test('exactly the broken kernels fail', () => {
  expect(checked.status).toBe(1);
  const by = (verdict: string) =>
    checked.run.cells.filter(cell => cell.verdict === verdict).map(cell => cell.kernel);
  // Some refusals are reached by a longer check alone.
  const quiet = by('pass').filter(kernel => kernel !== 'accepts everything');
  expect(quiet).toEqual(['right', 'prints']);
  expect(by('unavailable')).toEqual(['elsewhere']);
  expect(by('fail')).toEqual(expect.arrayContaining(broken));
});

test.each([
  ['throws', 'status', /the kernel threw RangeError: not so long \(at .*planted\.mjs:\d+:\d+\)/],
  ['ends the process', 'survival', /exit code 3/],
  ['aborts', 'survival', /SIGABRT/],
  ['hangs', 'survival', /no answer in \d+ ms/],
  ['promises', 'status', /run returned \[object Promise\], which is no status/],
  ['returns a number', 'status', /run returned 0, which is no status/],
  ['strays', 'memory', /wrote where it must not: .* of x/],
  ['ignores eps', 'equivalence', /elements of y break the bound/],
])('%s', (kernel, property, message) => {
  const found = findingsOf(kernel).find(finding => finding.property === property);
  expect(found?.message).toMatch(message);
});

test('what accepts everything is told what it must refuse', async () => {
  const args = ['--library', library, '--kernel', 'accepts everything', '--dtype', 'f32'];
  const { run } = await check([...args, '--cases', '300', '--property', 'refusal'], tempFolder());
  expect(run.findings.map(({ property }) => property)).toEqual(['refusal']);
  expect(run.findings[0].message).toMatch(/a call must be refused .*: the kernel accepts it/);
});

test('a kernel of typed arrays is not asked for a struct, and its cells say who brought them', () => {
  const cell = checked.run.cells.find(({ kernel }) => kernel === 'right')!;
  expect(cell).toMatchObject({ provider: 'planted', tier: 'js', executed: [], numerics: 'f32' });
  expect(cell.properties.find(({ name }) => name === 'refusal')).toMatchObject({ failed: 0 });
  for (const name of ['leftovers', 'little stack', 'beside another'])
    expect(cell.properties.map(property => property.name)).not.toContain(name);
  expect(checked.run.providers[0]).toMatchObject({ name: 'planted', version: '7', path: library });
});

describe('a finding', () => {
  const replayed = (args: readonly string[]) =>
    tierwise(['replay', findingsOf('ignores eps')[0].file, ...args], folder);

  test('is run again, in a process of its own and in this one', async () => {
    for (const args of [[], ['--in-process']]) {
      const { status, stdout } = await replayed(args);
      expect(stdout).toContain(`fails equivalence of planted/rms_norm/ignores eps/js\n`);
      expect(status).toBe(1);
    }
  });

  test('holds when it is mended', async () => {
    const mended = join(tempFolder(), 'planted.mjs');
    writeFileSync(
      mended,
      source
        .replace('./right.mjs', join(folder, 'right.mjs'))
        .replace('right({ ...args, eps: args.eps && 0.5 })', 'right(args)'),
    );
    const { status, stdout, stderr } = await replayed(['--library', mended]);
    expect(stdout).toContain('holds equivalence');
    expect(stderr).toContain('the code has changed since');
    expect(status).toBe(0);
  });
});

test('the build of a module is that of all its files', () => {
  const own = tempFolder();
  const main = join(own, 'planted.mjs');
  cpSync(library, main);
  cpSync(join(folder, 'right.mjs'), join(own, 'right.mjs'));
  const before = libraryBuild(main);
  expect(before).toBe(load(libraryAt(main)).build);
  writeFileSync(join(own, 'right.mjs'), `${readFileSync(join(own, 'right.mjs'), 'utf8')}\n// changed\n`);
  expect(libraryBuild(main)).not.toBe(before);
});

test('it is put on the clock, beside roofs that native code measures', async () => {
  const args = ['--library', library, '--kernel', 'right', '--dtype', 'f32', '--quick', '--no-check'];
  const { status, stderr } = await tierwise(['bench', ...args, '--json', 'bench.json'], folder);
  expect(status, stderr).toBe(0);
  const run = JSON.parse(readFileSync(join(folder, 'bench.json'), 'utf8')) as Run;
  expect(run.timings.length).toBeGreaterThan(3);
  expect(run.ceilings.length).toBeGreaterThan(3);
  for (const { median, ofRoof, tier } of run.timings) {
    expect(tier).toBe('js');
    expect(median).toBeGreaterThan(100);
    expect(ofRoof).toBeLessThan(1);
  }
}, 240_000);

describe('a module that is none', () => {
  const said = (content: string, ending = 'mjs') => {
    const path = join(tempFolder(), `broken.${ending}`);
    writeFileSync(path, content);
    try {
      load(libraryAt(path));
    } catch (error) {
      return (error as Error).message.replace(path, 'broken');
    }
    return 'nothing';
  };

  test.each([
    ['export const kernel = 1;', /^broken: .*at kernels: /],
    ['export const kernels = [{ op: "rms_norm", name: "a" }];', /at kernels\[0\]\.run: it is no function/],
    ['export const kernels = [{ op: "rms_norm", name: "", run() {} }];', /at kernels\[0\]\.name: /],
    [
      'export const kernels = [{ op: "rms_norm", name: "a", promises: ["all"], run() {} }];',
      /at kernels\[0\]\.promises\[0\]: .*placement/,
    ],
    [
      'const k = { op: "rms_norm", name: "a", run() {} }; export const kernels = [k, k];',
      /two kernels rms_norm\/a\/js/,
    ],
    ['throw new Error("not today");', /not today/],
    ['import "./nowhere.mjs";', /Cannot find module/],
    ['export const kernels = [', /SyntaxError/],
    ['process.exit(5);', /ended while being loaded: exit code 5/],
  ])('%s', (content, message) => {
    expect(said(content)).toMatch(message);
  });

  test('TypeScript is compiled, and told when it cannot be', () => {
    const typed = `import { defineKernels } from 'tierwise/js';
      export const kernels = defineKernels([{ op: 'rope', name: 'a', run: (): 'unsupported' => 'unsupported' }]);`;
    expect(said(typed, 'ts')).toBe('nothing');
    expect(said('export const kernels = [;', 'mts')).toMatch(/SyntaxError: .*TS\d+/);
  });
});

test('the baseline is right in every op and type', async () => {
  const args = ['--provider', 'js', '--cases', '120', '--workers', '1', '--seed', '4'];
  const { status, run, stderr } = await check(args, tempFolder());
  expect(run.findings.map(({ message }) => message)).toEqual([]);
  expect(run.cells.map(cell => cell.verdict)).toEqual(Array(9).fill('pass'));
  expect(status, stderr).toBe(0);
}, 240_000);
