import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { rmsNorm } from '../../suites/rms_norm/index.ts';
import { changed } from '../testing/changed.ts';
import { UsageError } from '../usage-error.ts';
import { type Failure, failureName, failureVersion, readFailure, writeFailure } from './failure-file.ts';
import { drawCase } from './generate.ts';

const folder = mkdtempSync(join(tmpdir(), 'tierwise-failure-'));
afterAll(() => rmSync(folder, { recursive: true }));

const failure: Failure = {
  version: failureVersion,
  kernel: { provider: 'mine', library: 'libmine.so', build: 'b', op: 'rms_norm', name: 'a', tier: 'scalar' },
  property: 'equivalence',
  message: 'it was wrong',
  found: { seed: 1, k: 0 },
  case: drawCase(rmsNorm, 1, 0).case,
};

let files = 0;
function fileOf(content: string): string {
  const path = join(folder, `${files++}.json`);
  writeFileSync(path, content);
  return path;
}

function refusal(content: string): string {
  const path = fileOf(content);
  try {
    readFailure(path);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    const { message } = error as UsageError;
    expect(message.startsWith(`${path} is not a failure file`)).toBe(true);
    return message;
  }
  throw new Error(`this was not refused: ${content.slice(0, 200)}`);
}

test('what is written is read', () => {
  for (let k = 0; k < 60; k++) {
    const written = { ...failure, case: drawCase(rmsNorm, 4, k).case };
    const path = join(folder, 'written.json');
    writeFailure(path, written);
    expect(readFailure(path)).toEqual(written);
  }
});

const whole = JSON.stringify(failure, null, 1);

test.each<[string, string, RegExp]>([
  ['nothing', '', /JSON/],
  ['a text', 'the quick\nbrown\nfox\n', /JSON/],
  ['a half', whole.slice(0, whole.length / 2), /JSON/],
  ['a number', '7', /as a whole it is 7: .*expected object/],
  ['a list', '[]', /as a whole it is \[\]: .*expected object/],
  ['bytes', '\0\u0001\u001b[31m', /JSON/],
  ['another object', '{"cells":[]}', /at version it is missing: /],
])('%s is refused', (_, content, says) => {
  expect(refusal(content)).toMatch(says);
});

test.each<[Record<string, unknown>, RegExp]>([
  [{ version: 2 }, /at version it is 2: .*expected 1/],
  [{ version: undefined }, /at version it is missing: /],
  [{ surprise: 1 }, /Unrecognized key: "surprise"/],
  [{ found: null }, /at found it is null: /],
  [{ 'case.version': 9 }, /at case\.version it is 9: /],
  [{ 'case.op': 'conv' }, /at case\.op it is "conv": /],
  [{ 'case.surprise': 1 }, /at case it is .*: Unrecognized key: "surprise"/],
  [{ 'case.threads': -1 }, /at case\.threads it is -1: /],
  [{ 'case.threads': 1e300 }, /at case\.threads it is 1e\+300: /],
  [{ 'case.tensors.x.dtype': 'f8' }, /at case\.tensors\.x\.dtype it is "f8": /],
  [{ 'case.tensors.x.data.kind': 'x'.repeat(99) }, /at case\.tensors\.x\.data\.kind it is "x{39}\.\.\.: /],
  [{ 'case.tensors.x': undefined }, /at case\.tensors: rms_norm needs x/],
  [{ 'case.tensors.x.buffer': 'constructor' }, /case\.tensors\.x\.buffer: there is no buffer "constructor"/],
  [{ 'case.tensors.x.offset': 1 }, /at case\.tensors\.x\.offset: /],
  [{ 'case.tensors.x.strides': [1] }, /at case\.tensors\.x\.strides: there are 1 of them for 2 sizes/],
  [{ 'case.tensors.x.shape': [1e9, 1e9] }, /at case\.tensors\.x\.shape: /],
  [{ 'case.buffers.x.bytes': 2 ** 50 }, /at case\.buffers\.x\.bytes: 1125899906842624 are more/],
  [{ 'kernel.op': 'rope' }, /at case\.op: the kernel is of rope and its case of rms_norm/],
])('a file with %j is refused', (changes, says) => {
  expect(refusal(JSON.stringify(changed(failure, changes)))).toMatch(says);
});

test('a missing file and a folder are refused', () => {
  expect(() => readFailure(join(folder, 'none.json'))).toThrow(/there is no failure file .*none\.json/);
  expect(() => readFailure(folder)).toThrow(/cannot read the failure file .*directory/);
});

describe('a name', () => {
  test('is the same for the same failure, another for another', () => {
    const name = failureName(failure, 'f32');
    expect(name).toMatch(/^rms_norm-mine-a-scalar-f32-equivalence-[0-9a-f]{8}\.json$/);
    expect(failureName({ ...failure, message: 'in other words', found: { seed: 2, k: 9 } }, 'f32')).toBe(
      name,
    );
    const others = [
      { property: 'memory' },
      { 'kernel.name': 'b' },
      { 'kernel.tier': 'avx2' },
      { 'kernel.provider': 'yours' },
      { 'case.threads': 3 },
    ].map(changes => failureName(changed(failure, changes) as Failure, 'f32'));
    expect(new Set([name, ...others]).size).toBe(6);
  });

  test('keeps names apart that only differ in what a file name can not hold', () => {
    const [a, b] = ['a b', 'a_b'].map(name =>
      failureName(changed(failure, { 'kernel.name': name }) as Failure, 'f32'),
    );
    expect(a).not.toBe(b);
  });

  test('fits a file system, and stays in its folder', () => {
    const far = changed(failure, {
      'kernel.name': '../'.repeat(66),
      'kernel.provider': 'é'.repeat(100),
    }) as Failure;
    const name = failureName(far, 'bf16');
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(name).not.toContain('/');
    const path = join(folder, name);
    writeFailure(path, far);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(far);
  });
});
