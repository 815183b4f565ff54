/** Cases that a user brings: files in a folder, each a case as failure files and run documents hold it. */

import { join } from 'node:path';
import { type Case, caseSchema, type Op } from '../case/case.ts';
import { faultOf } from '../case/sound.ts';
import { jsonFilesIn, readChecked } from '../run/store.ts';
import { UsageError } from '../usage-error.ts';

/** By op: they come before everything else in its sequence. */
export type OwnCases = Readonly<Partial<Record<Op, readonly Case[]>>>;

/**
 * Reads the cases of a folder.
 *
 * @throws UsageError that names the first that is damaged, and the place.
 */
export function readOwnCases(folder: string): OwnCases {
  const byOp: Partial<Record<Op, Case[]>> = {};
  for (const name of jsonFilesIn(folder)) {
    const path = join(folder, name);
    const c = readChecked(path, 'case', caseSchema);
    const fault = faultOf(c);
    if (fault) throw new UsageError(`${path} is not a case that can be run: at ${fault}`);
    byOp[c.op] = [...(byOp[c.op] ?? []), c];
  }
  return byOp;
}
