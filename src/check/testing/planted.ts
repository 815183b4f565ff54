/** The example kernel of examples/c with something wrong in it, and what a check says of it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cpu, here } from '../../providers/cpu.ts';
import { kernelId, libraryAt, load } from '../../providers/provider.ts';
import { compile } from '../../providers/testing/c-library.ts';
import { projectRoot } from '../../root.ts';
import type { Sighting } from '../evidence.ts';
import { Examiner } from '../examiner.ts';

/** What is put into the example. */
export interface Plant {
  /** Before run(): includes, statics, functions. */
  readonly outside?: string;
  /** At the beginning of the kernel's part of run(): x, y and w are there. */
  readonly first?: string;
  /** For each row, after `r`, the reciprocal root, was computed. */
  readonly row?: string;
  /** Instead of the kernel's part of run(). */
  readonly instead?: string;
  /** Bytes of scratch, an expression of `args`. */
  readonly scratch?: string;
  readonly tier?: string;
  /** The body of available(). */
  readonly available?: string;
  readonly flags?: readonly string[];
}

const example = readFileSync(join(projectRoot, 'examples/c/rms_norm.c'), 'utf8');

function replaced(text: string, from: string | RegExp, to: string): string {
  const found = typeof from === 'string' ? text.includes(from) : from.test(text);
  if (!found) throw new Error(`the example has no ${from} any more`);
  return text.replace(from, () => to);
}

/** Builds it in a folder. Returns its path. */
export function planted(folder: string, name: string, plant: Plant): string {
  const {
    outside = '',
    first = '',
    row = '',
    instead,
    scratch,
    tier = 'scalar',
    available,
    flags = [],
  } = plant;
  const root = '    double r = 1 / sqrt(sum / (double)x.n + args->eps);\n';
  let text = replaced(example, /( *double r = .*;\n)/, `${root}${row}\n`);
  if (instead !== undefined)
    text = replaced(
      text,
      / {2}for \(int64_t i = 0; i < x\.rows; i\+\+\) \{\n {4}double sum[\s\S]*?\n {2}\}\n/,
      `${instead}\n`,
    );
  text = replaced(text, '  /* The kernel.', `  ${first}\n  /* The kernel.`);
  text = replaced(text, 'static tw_status run(', `${outside}\nstatic tw_status run(`);
  text = replaced(text, '.tier = "scalar"', `.tier = "${tier}"`);
  if (available) text = replaced(text, '{ return 1; } /* portable', `{ ${available} } /*`);
  if (scratch) {
    text = replaced(
      text,
      'static int available',
      `static uint64_t scratch_size(const void *pointer) { const tw_rms_norm_args *args = pointer; (void)args; return ${scratch}; }\nstatic int available`,
    );
    text = replaced(text, '.run = run}', '.run = run, .scratch_size = scratch_size}');
  }
  return compile(folder, name, `#define _GNU_SOURCE\n${text}`, flags);
}

/** What is seen of the library's kernels in the first cases: of these properties, or of all in turn. */
export function sightings(
  path: string,
  cases: number,
  properties: readonly string[] | null,
  cpu: Cpu = here,
): Sighting[] {
  const provider = load(libraryAt(path));
  const examiner = new Examiner({
    providers: [provider],
    kernels: provider.kernels.map(kernelId),
    dtypes: ['f32'],
    seed: 1,
    properties,
    inProcess: false,
    cpu,
  });
  try {
    return examiner.examineUnit({ op: 'rms_norm', from: 0, to: cases, closed: [], asked: {} }).sightings;
  } finally {
    examiner.close();
  }
}
