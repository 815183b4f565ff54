import { describe, expect, test } from 'vitest';
import { load, native } from '../providers/provider.ts';
import { thisMachine, tiersOf } from './machine.ts';

const avx2 = ['sse2', 'avx', 'avx2', 'fma', 'f16c', 'bmi1', 'bmi2'];
const avx512 = [...avx2, 'avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'avx512cd'];
const amx = [...avx512, 'amx_tile', 'amx_bf16'];
/** XCR0 of machines (Intel SDM volume 1, 13.3): x87, XMM, YMM; with opmasks and ZMM; with tiles. */
const [ymm, zmm, tiles] = ['0x7', '0xe7', '0x602e7'];

function runs(features: readonly string[], xcr0: string | null, arch = 'x64'): string[] {
  return tiersOf(arch, features, xcr0)
    .filter(({ available }) => available)
    .map(({ tier }) => tier);
}
const why = (tier: string, features: readonly string[], xcr0: string | null, arch = 'x64') =>
  tiersOf(arch, features, xcr0).find(candidate => candidate.tier === tier)?.why;

describe('a machine runs the tiers that its CPU has and its system saves', () => {
  test.each([
    ['the first of its kind', ['sse2'], ymm, ['scalar', 'sse2']],
    ['AVX2', avx2, ymm, ['scalar', 'sse2', 'avx2']],
    ['AVX-512', avx512, zmm, ['scalar', 'sse2', 'avx2', 'avx512']],
    ['AMX', amx, tiles, ['scalar', 'sse2', 'avx2', 'avx512', 'amx']],
    // XCR0 has 64 bits: an AMD of family 15h sets bit 62.
    ['a high bit', avx2, '0x4000000000000007', ['scalar', 'sse2', 'avx2']],
  ])('%s', (_, features, xcr0, tiers) => {
    expect(runs(features, xcr0)).toEqual(tiers);
  });
});

describe('a feature set that lies is not believed', () => {
  test.each([
    ['YMM', avx2, '0x3', ['scalar', 'sse2'], 'avx2'],
    ['XMM under YMM', avx2, '0x5', ['scalar', 'sse2'], 'avx2'],
    ['ZMM', avx512, ymm, ['scalar', 'sse2', 'avx2'], 'avx512'],
    ['the opmasks', avx512, '0xc7', ['scalar', 'sse2', 'avx2'], 'avx512'],
    ['the upper ZMM', avx512, '0x67', ['scalar', 'sse2', 'avx2'], 'avx512'],
    ['half of the tiles', amx, '0x202e7', ['scalar', 'sse2', 'avx2', 'avx512'], 'amx'],
    ['anything, not readable', amx, null, ['scalar', 'sse2'], 'avx2'],
  ])('bits of CPUID where the system does not save %s', (_, features, xcr0, tiers, first) => {
    expect(runs(features, xcr0)).toEqual(tiers);
    expect(why(first, features, xcr0)).toBe(
      `the OS does not save its registers (XCR0 is ${xcr0 ?? 'unreadable'})`,
    );
  });

  test.each([
    'avx512f',
    'avx512bw',
    'avx512dq',
    'avx512vl',
    'avx512cd',
    'fma',
    'f16c',
    'bmi1',
    'bmi2',
    'avx2',
  ])('a CPU without %s has no avx512, and says so', missing => {
    const features = avx512.filter(feature => feature !== missing);
    expect(runs(features, zmm)).not.toContain('avx512');
    expect(why('avx512', features, zmm)).toBe(`the CPU has no ${missing}`);
  });

  test('all that is missing is named', () => {
    expect(why('avx2', ['sse2', 'avx2'], ymm)).toBe('the CPU has no fma, f16c, bmi1, bmi2');
    expect(runs([], null)).toEqual(['scalar']);
  });
});

test('another architecture has its own tiers, whatever the features say', () => {
  expect(runs(amx, tiles, 'arm64')).toEqual(['scalar', 'neon']);
  expect(why('avx2', amx, tiles, 'arm64')).toBe('this machine is arm64');
  expect(why('neon', [], null)).toBe('this machine is x64');
});

test('this machine and the native kernels agree on what runs here', () => {
  const { tiers, cores, caches } = thisMachine();
  for (const { tier, available } of load(native).kernels) {
    expect({ tier, available }).toEqual({ tier, available: tiers.find(t => t.tier === tier)?.available });
  }
  expect(cores).toBeGreaterThan(0);
  for (const { available, why } of tiers) expect(why === '').toBe(available);
  for (const { bytes } of caches) expect(bytes).toBeGreaterThan(1024);
});
