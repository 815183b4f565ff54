/** Bugs with known triggers, planted in C kernels: what the explanation of each must name, and what it must not. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changeWords, explanationSentence } from '../../../reports/explanation-words.ts';
import { kernelId, libraryAt, load } from '../../providers/provider.ts';
import { compile } from '../../providers/testing/c-library.ts';
import type { Explanation, Finding } from '../../run/document.ts';
import { type Checked, check } from '../check.ts';
import { alone } from '../crew.ts';
import { fileFindings } from '../ledger.ts';
import { libraryOf, type Plant, rmsNormKernel, ropeKernel } from '../testing/c-kernels.ts';

const folder = mkdtempSync(join(tmpdir(), 'tierwise-explain-'));
afterAll(() => rmSync(folder, { recursive: true }));

const makers = { rms_norm: rmsNormKernel, rope: ropeKernel };

/** Checks kernels of an op, one a tier, and explains what is found. */
async function findingsOf(op: keyof typeof makers, plants: Readonly<Record<string, Plant>>, cases = 450) {
  const tiers = Object.keys(plants);
  const source = libraryOf(
    tiers.map(tier => makers[op](`of_${tier}`, plants[tier])),
    tiers.map(tier => [`of_${tier}`, op, tier]),
  );
  const provider = load(libraryAt(compile(folder, `${op}${built++}`, source)));
  const crew = alone({
    providers: [provider],
    kernels: provider.kernels.map(kernelId),
    dtypes: ['f32'],
    seed: 1,
    properties: ['repeat'],
    inProcess: false,
  });
  let checked: Checked;
  try {
    checked = await check(crew, provider.kernels, ['f32'], { cases, seconds: Infinity });
  } finally {
    await crew.close();
  }
  return fileFindings(checked.found, [provider], provider.kernels, 1, folder);
}
let built = 0;

const of = (findings: readonly Finding[], property: string, tier = 'scalar') =>
  findings.find(finding => finding.property === property && finding.tier === tier)!;
const explanationOf = (finding: Finding): Explanation => {
  expect(finding.explanation).not.toBeNull();
  return finding.explanation!;
};
const thresholdOf = (finding: Finding, name: string) =>
  explanationOf(finding).thresholds.find(threshold => threshold.name === name);
const fieldOf = (finding: Finding, name: string) =>
  explanationOf(finding).fields.find(field => field.name === name);

describe('a position, without tables', () => {
  let findings: Finding[];
  beforeAll(async () => {
    const when = 'position >= 802 && !tables';
    findings = await findingsOf('rope', {
      scalar: { when },
      sse2: { when },
      avx2: { when, does: 'v *= 1.02' },
      avx512: {},
    });
  });

  test('is named with what it turns on', () => {
    const finding = of(findings, 'equivalence');
    expect(explanationSentence(finding)).toBe('Fails from position 802 up, never with tables.');
    expect(thresholdOf(finding, 'position')).toMatchObject({ value: 802, from: 802, to: null });
    expect(thresholdOf(finding, 'position')?.holds).toContain(801);
    expect(fieldOf(finding, 'tables')).toMatchObject({ value: 'none', fails: [] });
  });

  test('what does not matter is free to change', () => {
    const { free } = changeWords(explanationOf(of(findings, 'equivalence')));
    expect(free).toEqual(expect.arrayContaining(['interleaved', 'theta', 'threads', 'heads', 'xLayout']));
    for (const bound of ['position', 'tables']) expect(free).not.toContain(bound);
    // Values that the kernel declines say nothing, and leave attempts for others.
    expect(thresholdOf(of(findings, 'equivalence'), 'x.scale')?.from).toBeLessThan(1e-30);
    expect(fieldOf(of(findings, 'equivalence'), 'scaling')).toBeUndefined();
  });

  test('tiers are told apart: the same bits, others, none', () => {
    const { tiers } = explanationOf(of(findings, 'equivalence'));
    expect(tiers).toEqual([
      { tier: 'sse2', is: 'same bits' },
      { tier: 'avx2', is: 'fails otherwise' },
      { tier: 'avx512', is: 'holds' },
    ]);
  });

  test('failing cases never stand on tables, and more often than others on large positions', () => {
    const { shares } = explanationOf(of(findings, 'equivalence'));
    const edge = (name: string) => shares?.edges.find(({ edge }) => edge === name);
    expect(shares!.failed).toBeGreaterThan(10);
    expect(edge('of tables')).toMatchObject({ failed: 0 });
    expect(edge('of tables')!.cases).toBeGreaterThan(15);
    expect(edge('computed')!.failed).toBe(shares!.failed);
  });

  test('the explanation is bounded, and the same again', async () => {
    for (const finding of findings) expect(explanationOf(finding).attempts).toBeLessThanOrEqual(120);
    const again = await findingsOf('rope', { scalar: { when: 'position >= 802 && !tables' } });
    const { tiers: _, ...first } = explanationOf(of(findings, 'equivalence'));
    expect(of(again, 'equivalence').explanation).toMatchObject(first);
  });
});

test('a length at which it begins', async () => {
  const finding = of(await findingsOf('rms_norm', { scalar: { when: 'n >= 257' } }), 'equivalence');
  expect(explanationSentence(finding)).toBe('Fails from n 257 up.');
  expect(thresholdOf(finding, 'n')?.holds).toContain(256);
  expect(explanationOf(finding).tiers).toEqual([]);
});

test('a stretch of lengths', async () => {
  const finding = of(await findingsOf('rms_norm', { scalar: { when: 'n >= 40 && n < 70' } }), 'equivalence');
  expect(explanationSentence(finding)).toBe('Fails with n 40 to 69.');
  expect(thresholdOf(finding, 'n')).toMatchObject({ from: 40, to: 69 });
});

test('lengths that are no stretch are not told as one', async () => {
  const finding = of(await findingsOf('rms_norm', { scalar: { when: 'n % 8 == 5' } }, 1500), 'equivalence');
  expect(explanationSentence(finding)).not.toMatch(/ n \d/);
  const { begins } = changeWords(explanationOf(finding));
  expect(begins.find(({ name }) => name === 'n')?.words).toMatch(/^fails at (\d+, ){2,}.*; holds at 1, /);
  const { shares } = explanationOf(finding);
  const often = shares!.edges.filter(({ failed, cases }) => failed / cases > 0.5);
  expect(often.map(({ dimension, edge }) => `${dimension}: ${edge}`).sort()).toEqual(
    ['13', '21', '29', '5'].map(residue => `row length mod 32: ${residue}`),
  );
});

test('threads, and a parameter', async () => {
  const threads = of(
    await findingsOf('rms_norm', { scalar: { when: 'a->call.threads >= 3' } }),
    'equivalence',
  );
  expect(explanationSentence(threads)).toBe('Fails from threads 3 up.');
  const paired = of(await findingsOf('rope', { scalar: { when: 'a->interleaved' } }), 'equivalence');
  expect(explanationSentence(paired)).toMatch(/only with interleaved true/);
  expect(fieldOf(paired, 'tables')?.fails.length).toBeGreaterThan(0);
});

test('a crash, in one tier alone', async () => {
  const does = '*(volatile int *)0 = 1';
  const finding = of(
    await findingsOf('rms_norm', { scalar: {}, avx2: { when: 'n > 40', does } }),
    'survival',
    'avx2',
  );
  expect(finding.message).toMatch(/SIGSEGV/);
  expect(explanationSentence(finding)).toBe('Fails from n 41 up, in avx2 alone.');
  expect(explanationOf(finding).attempts).toBeLessThanOrEqual(60);
});

test('a hang costs few attempts', async () => {
  const finding = of(
    await findingsOf('rms_norm', { scalar: { when: 'rows > 1', does: 'for (;;) ;' } }, 8),
    'survival',
  );
  expect(finding.message).toMatch(/no answer/);
  expect(explanationOf(finding).attempts).toBeLessThanOrEqual(6);
});

test('what fails now and then says so, and is not explained by changing it', async () => {
  const when = '({ static int calls; calls++ % 5 == 4; })';
  const finding = of(await findingsOf('rms_norm', { scalar: { when } }, 60), 'equivalence');
  expect(finding.message).toMatch(/asked 3 times again, it failed [012] times/);
  expect(explanationOf(finding)).toMatchObject({ attempts: 0, fields: [], thresholds: [] });
});
