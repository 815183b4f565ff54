/** How paths are told to people and written down. */

import { isAbsolute, relative, resolve } from 'node:path';

/** A path from the working folder on, where it lies in it; from the root on, where it lies elsewhere. */
export function pathWords(path: string): string {
  const inside = relative(process.cwd(), path) || '.';
  return inside.startsWith('..') || isAbsolute(inside) ? resolve(path) : inside;
}
