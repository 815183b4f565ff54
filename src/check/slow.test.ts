/** Slow is not hung: a runner that was held up is asked again with more time before anyone is blamed. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { rmsNorm } from '../../suites/rms_norm/index.ts';
import { Host } from '../providers/host.ts';
import { libraryAt, load } from '../providers/provider.ts';
import { SlotPool } from '../providers/slots.ts';
import { compile } from '../providers/testing/c-library.ts';
import { drawCase } from './generate.ts';
import { Lab } from './lab.ts';

const folder = mkdtempSync(join(tmpdir(), 'tierwise-slow-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What comes of a kernel that takes so many milliseconds a call. */
function outcomeOf(milliseconds: number): string {
  const source = `
    #include <unistd.h>
    static int yes(void) { return 1; }
    static tw_status run(const void *args) { (void)args; usleep(${milliseconds}000); return TW_UNSUPPORTED; }
    static const tw_kernel rows[] = { { "rms_norm", "slow", "scalar", yes, NULL, run, 0, 0 } };
    static const tw_library library = { TIERWISE_ABI, 1, "slow", "1", rows };
    const tw_library *tierwise_library(void) { return &library; }`;
  const provider = load(libraryAt(compile(folder, `slow${milliseconds}`, source)));
  const pool = new SlotPool();
  const host = new Host(provider, pool);
  try {
    const outcome = new Lab(pool, new Map([[provider.name, host]])).run(
      provider.kernels[0],
      drawCase(rmsNorm, 1, 0).case,
    );
    return outcome.is === 'died' ? outcome.how : outcome.is;
  } finally {
    host.close();
  }
}

test('a call of two seconds is an answer', () => {
  expect(outcomeOf(2000)).toBe('unsupported');
});

test('a call of a minute is a hang', () => {
  expect(outcomeOf(60_000)).toBe('hang');
});
