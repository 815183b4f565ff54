/** A case laid open for other tools: inputs, reference and output as .npy. */

import { join } from 'node:path';
import type { Case } from '../case/case.ts';
import { type Kernel, numericsOf } from '../providers/provider.ts';
import { writeWhole } from '../run/store.ts';
import type { Lab } from './lab.ts';
import { npy, npyOf } from './npy.ts';

/** Writes the files; returns their names. */
export function dump(lab: Lab, kernel: Kernel, c: Case, folder: string): string[] {
  const written: string[] = [];
  const write = (name: string, content: Uint8Array): void => {
    writeWhole(join(folder, name), content);
    written.push(name);
  };
  for (const [role, bits] of Object.entries(lab.made(c).inputs)) {
    const { dtype, shape } = c.tensors[role];
    write(`${role}.npy`, npy(bits, dtype, shape));
  }
  for (const { role, rows, rowLength, ref, hard } of lab.expected(c, numericsOf(kernel))) {
    const shape = [rows.length, rowLength];
    write(`${role}.reference.npy`, npyOf(ref, shape));
    write(`${role}.bound.npy`, npyOf(hard, shape));
  }
  const outcome = lab.run(kernel, c);
  if (outcome.is === 'ok') {
    for (const [role, bits] of Object.entries(outcome.outputs)) {
      const { dtype, shape } = c.tensors[role];
      write(`${role}.npy`, npy(bits, dtype, shape));
    }
  }
  return written;
}
