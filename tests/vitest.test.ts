/** `tierwise/vitest` in a project of its own: green where it is right, red with a replay line where it is not, and skipped, not green, where nothing was executed. */

import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../src/root.ts';
import { tempFolder, tierwise } from './testing/cli.ts';

interface Seen {
  readonly fullName: string;
  readonly title: string;
  readonly status: 'passed' | 'failed' | 'skipped' | 'pending';
  readonly failureMessages: readonly string[];
}

/** The example as a project, its kernels changed. */
function project(change: (source: string) => string): string {
  const folder = tempFolder();
  const example = (path: string) => join(projectRoot, 'examples', path);
  writeFileSync(join(folder, 'rms_norm.mjs'), change(readFileSync(example('js/rms_norm.mjs'), 'utf8')));
  cpSync(example('vitest/rms_norm.test.ts'), join(folder, 'rms_norm.test.ts'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(projectRoot, join(folder, 'node_modules/tierwise'));
  symlinkSync(join(projectRoot, 'node_modules/vitest'), join(folder, 'node_modules/vitest'));
  return folder;
}

async function vitest(folder: string): Promise<{ status: number | null; tests: Seen[]; said: string }> {
  const program = join(projectRoot, 'node_modules/vitest/vitest.mjs');
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^VITEST|^TEST$/.test(name)),
  );
  const args = ['run', '--reporter=json', '--reporter=verbose', '--outputFile.json=seen.json'];
  const child = spawn(process.execPath, [program, ...args], { cwd: folder, env: { ...env, NO_COLOR: '1' } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const status = await new Promise<number | null>(resolve => child.on('close', resolve));
  const { testResults } = JSON.parse(readFileSync(join(folder, 'seen.json'), 'utf8')) as {
    testResults: { assertionResults: Seen[] }[];
  };
  return { status, tests: testResults.flatMap(file => file.assertionResults), said };
}

const cell = (tests: readonly Seen[], name: string) =>
  tests.filter(({ fullName }) => fullName.includes(name));
const titles = (tests: readonly Seen[], status: Seen['status']) =>
  tests.filter(test => test.status === status).map(({ title }) => title);

test('a right library: green where it was executed, skipped with the reason where it was not', async () => {
  const unavailable = "{ op: 'rms_norm', name: 'example', tier: 'mine', available: () => false, run }";
  const folder = project(source =>
    source.replace("name: 'example', run }", `name: 'example', run }, ${unavailable}`),
  );
  const { status, tests, said } = await vitest(folder);
  expect(titles(tests, 'failed'), said).toEqual([]);
  expect(status).toBe(0);
  const f32 = cell(tests, 'example rms_norm example js f32');
  expect(titles(f32, 'passed')).toEqual(
    expect.arrayContaining(['verdict', 'survival', 'equivalence', 'precision', 'refusal', 'poison']),
  );
  for (const none of ['js f16', 'js bf16', 'mine f32', 'mine bf16'])
    expect(titles(cell(tests, `example ${none}`), 'passed')).toEqual([]);
  expect(said).toMatch(/f16 > verdict .*unsupported: it answered unsupported to all \d+ cases/);
  expect(said).toMatch(/f16 > equivalence .*it answered unsupported to all \d+ cases/);
  expect(said).toMatch(/mine f32 > survival .*this machine cannot run mine/);
}, 240_000);

test('a planted bug: red, with the smallest case and a line that runs it again', async () => {
  const folder = project(source => source.replace('sum / n + eps', 'sum / n'));
  const { status, tests } = await vitest(folder);
  expect(status).toBe(1);
  const f32 = cell(tests, 'example rms_norm example js f32');
  expect(titles(f32, 'failed')).toEqual(expect.arrayContaining(['verdict', 'equivalence']));
  const [message] = f32.find(({ title }) => title === 'equivalence')!.failureMessages;
  expect(message).toMatch(/elements of y break the bound; y\[0, \d+\] should be/);
  const smallest = JSON.parse(/the smallest case: (\{.*\})/.exec(message)![1]);
  expect(smallest).toMatchObject({ op: 'rms_norm', tensors: { y: { shape: [1, 1] } } });
  const [, line] = /tierwise (replay .*\.json)/.exec(message)!;
  const replayed = await tierwise(line.split(' '), folder);
  expect(replayed.stdout).toContain('fails equivalence of example/rms_norm/example/js');
  expect(replayed.status).toBe(1);
}, 240_000);
