/** The examples as docs/add-a-kernel.md has them built: each passes, and fails when its eps is left out. */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../src/root.ts';
import { check, tempFolder } from './testing/cli.ts';

interface Example {
  readonly file: string;
  /** The compiler's line, as the head of the file has it. */
  readonly line: string;
  /** What adds eps, and what adds nothing. */
  readonly eps: readonly [string, string];
}

const examples: Readonly<Record<string, Example>> = {
  C: {
    file: 'examples/c/rms_norm.c',
    line: 'cc -O2 -fPIC -shared -Icrates/abi/include -o librms_norm.so examples/c/rms_norm.c -lm',
    eps: [' + args->eps)', ' + 0 * args->eps)'],
  },
  'C++': {
    file: 'examples/cpp/rms_norm.cpp',
    line: 'g++ -std=c++17 -O2 -fPIC -shared -Icrates/abi/include -o librms_norm.so examples/cpp/rms_norm.cpp',
    eps: [' + eps)', ' + 0 * eps)'],
  },
  Rust: {
    file: 'examples/rust/rms_norm.rs',
    line: 'rustc --edition 2024 -C opt-level=3 --crate-type cdylib -o librms_norm.so examples/rust/rms_norm.rs',
    eps: [' + eps)', ' + 0.0 * eps)'],
  },
};

/** Builds a source by an example's line, which must have nothing to say. */
function built({ file, line }: Example, source: string, folder: string): string {
  const [code, library] = [join(folder, file.replaceAll('/', '-')), join(folder, 'librms_norm.so')];
  writeFileSync(code, source);
  const [program, ...args] = line.replace(file, code).replace('librms_norm.so', library).split(' ');
  const { status, stderr } = spawnSync(program, args, { cwd: projectRoot, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return library;
}

const asked = ['--dtype', 'f32', '--workers', '1'];

describe.each(Object.entries(examples))('%s', (_, example) => {
  const source = readFileSync(join(projectRoot, example.file), 'utf8');

  test('its head says how to build it', () => {
    expect(source).toContain(example.line);
  });

  test('passes, and refuses what must be refused', async () => {
    const folder = tempFolder();
    const library = built(example, source, folder);
    for (const how of [
      ['--cases', '1500'],
      ['--cases', '1500', '--property', 'refusal'],
    ]) {
      const { status, run } = await check(['--library', library, ...asked, ...how], folder);
      expect(run.findings.map(({ message }) => message)).toEqual([]);
      expect(run.cells).toMatchObject([{ provider: 'example', verdict: 'pass', dtype: 'f32' }]);
      expect(status).toBe(0);
    }
  }, 240_000);

  test('fails without eps', async () => {
    const folder = tempFolder();
    const [whole, without] = example.eps;
    const library = built(example, source.replace(whole, without), folder);
    const { status, run } = await check(['--library', library, ...asked, '--cases', '300'], folder);
    expect(run.findings.map(({ property }) => property)).toContain('equivalence');
    expect(status).toBe(1);
  }, 240_000);
});

test('JavaScript: passes, and declines 16 bits', async () => {
  const folder = tempFolder();
  const library = join(projectRoot, 'examples/js/rms_norm.mjs');
  const { status, run } = await check(['--library', library, '--cases', '300', '--workers', '1'], folder);
  expect(run.findings).toEqual([]);
  expect(run.cells.map(({ dtype, verdict }) => `${dtype} ${verdict}`)).toEqual([
    'f32 pass',
    'f16 unsupported',
    'bf16 unsupported',
  ]);
  expect(status).toBe(0);
}, 240_000);
