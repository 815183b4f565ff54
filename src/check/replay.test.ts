import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { rmsNorm } from '../../suites/rms_norm/index.ts';
import { load, native } from '../providers/provider.ts';
import { compile, goodHead, table } from '../providers/testing/c-library.ts';
import { changed } from '../testing/changed.ts';
import { UsageError } from '../usage-error.ts';
import { type Failure, failureVersion } from './failure-file.ts';
import { drawCase } from './generate.ts';
import { replay } from './replay.ts';

const folder = mkdtempSync(join(tmpdir(), 'tierwise-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

const { kernels, build } = load(native);
const [{ name, tier }] = kernels;

/** A finding about a kernel that is right. */
const mended: Failure = {
  version: failureVersion,
  kernel: { provider: 'native', library: null, build, op: 'rms_norm', name, tier },
  property: 'equivalence',
  message: 'it was wrong once',
  found: { seed: 1, k: 0 },
  case: drawCase(rmsNorm, 1, 0).case,
};
const run = (failure: unknown) => replay(failure as Failure, { inProcess: false });

test.each(['survival', 'status', 'memory', 'equivalence', 'repeat', 'poison', 'threads'])(
  '%s holds',
  property => {
    expect(run({ ...mended, property }).breach).toBeUndefined();
  },
);

test('the same in this process', () => {
  expect(replay(mended, { inProcess: true }).breach).toBeUndefined();
});

describe('a failure that can not be asked is no pass', () => {
  test.each<[Record<string, unknown>, RegExp]>([
    [{ property: 'beauty' }, /^there is no property "beauty" of rms_norm; there is survival, .*row order/],
    [{ 'kernel.name': 'gone' }, /^native has no kernel rms_norm\/gone\/scalar$/],
    [
      { 'kernel.library': './libnothing.so' },
      /^the library \.\/libnothing\.so is not there: .*--library PATH/,
    ],
    // Without rows nothing is compared.
    [
      { case: drawCase(rmsNorm, 1, 8).case },
      /^nothing is proved: native.* has nothing to say about this case, so "equivalence"/,
    ],
  ])('%j', (changes, says) => {
    expect(() => run(changed(mended, changes))).toThrow(UsageError);
    expect(() => run(changed(mended, changes))).toThrow(says);
  });

  test('of a kernel that declines the case', () => {
    const library = compile(folder, 'idle', table(goodHead));
    const idle = changed(mended, { 'kernel.library': library, 'kernel.name': 'a', 'kernel.tier': 'scalar' });
    expect(() => run(idle)).toThrow(
      'nothing is proved: mine/rms_norm/a/scalar answers unsupported to this case, so "equivalence" was not asked',
    );
  });

  test('of a kernel that does not run here', () => {
    const never = table(goodHead).replace('return 1;', 'return 0;');
    const library = compile(folder, 'never', never);
    const absent = changed(mended, {
      'kernel.library': library,
      'kernel.name': 'a',
      'kernel.tier': 'scalar',
    });
    expect(() => run(absent)).toThrow('mine/rms_norm/a/scalar cannot run: this machine cannot run scalar');
  });
});

test('a kernel that breaks something else before it comes to the property fails', () => {
  for (const [body, property] of [
    ['__builtin_trap();', 'survival'],
    ['return 77;', 'status'],
    ['return TW_INVALID;', 'status'],
  ]) {
    const source = table(goodHead).replace('return TW_UNSUPPORTED;', body);
    const library = compile(folder, `breaks${property}${body.length}`, source);
    for (const asked of ['equivalence', 'precision', 'repeat', 'refusal']) {
      const broken = changed(mended, {
        property: asked,
        'kernel.library': library,
        'kernel.name': 'a',
        'kernel.tier': 'scalar',
      });
      expect(run(broken).breach?.property).toBe(property);
    }
  }
});
