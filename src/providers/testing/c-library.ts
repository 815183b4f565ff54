/** Libraries in C, for tests of what a stranger may bring. */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../root.ts';

/** A C library behind kernel-abi.h, built in a folder. Returns its path. */
export function compile(folder: string, name: string, source: string, flags: readonly string[] = []): string {
  const [code, library] = [join(folder, `${name}.c`), join(folder, `lib${name}.so`)];
  writeFileSync(code, `#include "kernel-abi.h"\n${source}`);
  const include = join(projectRoot, 'crates/abi/include');
  const line = ['-shared', '-fPIC', ...flags, `-I${include}`, '-o', library, code, '-lm', '-pthread'];
  const { status, stderr } = spawnSync('cc', line, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} does not compile: ${stderr}`);
  return library;
}

/** A library's source: a table of these rows (K makes one), whose kernels decline everything. */
export function table(head: string, rows = 'K("rms_norm", "a", "scalar")'): string {
  return `
    static int yes(void) { return 1; }
    static tw_status run(const void *args) { (void)args; return TW_UNSUPPORTED; }
    #define K(op, name, tier) { op, name, tier, yes, NULL, run, 0, 0 }
    static const tw_kernel rows[] = { ${rows} };
    static const tw_library table = { ${head} };
    const tw_library *tierwise_library(void) { return &table; }`;
}

/** The head of a table of one row that is as it should be. */
export const goodHead = 'TIERWISE_ABI, 1, "mine", "1.0", rows';
