import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';

const place = vi.hoisted(() => ({ projectRoot: '' }));
vi.mock('../root.ts', () => place);

const bytes = Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
const sha256 = (part: Buffer) => createHash('sha256').update(part).digest('hex');
const second = { name: 'b', shape: [2], dtype: 'f32', byteOffset: 16, byteLength: 8 };
const manifest = {
  version: 1,
  rmsEpsilon: 1e-5,
  tensors: [
    {
      name: 'a',
      shape: [2, 2],
      dtype: 'f32',
      byteOffset: 0,
      byteLength: 16,
      sha256: sha256(bytes.subarray(0, 16)),
    },
    { ...second, sha256: sha256(bytes.subarray(16)) },
  ],
};

const root = mkdtempSync(join(tmpdir(), 'tierwise-fixture-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A project with one fixture set of its own, and the module as it is when nothing was read yet. */
async function fixtures(content: Buffer, json: unknown = manifest) {
  place.projectRoot = mkdtempSync(join(root, 'project-'));
  const folder = join(place.projectRoot, 'suites/fixtures/set');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'set.bin'), content);
  writeFileSync(join(folder, 'fixture.json'), JSON.stringify(json));
  return (await import('./fixture.ts')).fixtureValues;
}

beforeEach(() => vi.resetModules());

test('a tensor is its bytes', async () => {
  const values = await fixtures(bytes);
  expect([...values('set/a')]).toEqual([1, 2, 3, 4]);
  expect([...values('set/b')]).toEqual([5, 6]);
});

test('a tensor that is not there is refused, with those that are', async () => {
  const values = await fixtures(bytes);
  expect(() => values('set/c')).toThrow('no fixture tensor "set/c"; there is set/a, set/b');
  expect(() => values('other/a')).toThrow('other');
});

describe('damage is refused, in the tensor where it is and in no other', () => {
  test('a flipped bit', async () => {
    const damaged = Buffer.from(bytes);
    damaged[17] ^= 1;
    const values = await fixtures(damaged);
    expect([...values('set/a')]).toEqual([1, 2, 3, 4]);
    expect(() => values('set/b')).toThrow(
      /fixture tensor "set\/b" in set\.bin is damaged: sha256 [0-9a-f]{64}, manifest/,
    );
  });

  test('a file cut short', async () => {
    const values = await fixtures(bytes.subarray(0, 20));
    expect(() => values('set/b')).toThrow('damaged');
  });

  test('a manifest of another version', async () => {
    const values = await fixtures(bytes, { ...manifest, version: 2 });
    expect(() => values('set/a')).toThrow('version');
  });

  test('a checksum that was changed', async () => {
    const values = await fixtures(bytes, { ...manifest, tensors: [{ ...second, sha256: sha256(bytes) }] });
    expect(() => values('set/b')).toThrow('damaged');
  });
});
