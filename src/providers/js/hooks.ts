/**
 * Hooks for Node's module loader, in a thread of their own: `tierwise/js` is this package wherever a module
 * stands, TypeScript becomes JavaScript, and the files that are loaded are told.
 */

import type { LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { MessagePort } from 'node:worker_threads';
import { compiled, isTypeScript } from '../../typescript.ts';

let told: MessagePort;

/** What `register` is given as data. */
export interface HookData {
  /** Where the path of each file goes. */
  readonly told: MessagePort;
}

export function initialize(data: HookData): void {
  told = data.told;
}

export const resolve: ResolveHook = (specifier, context, next) =>
  specifier === 'tierwise/js'
    ? { url: new URL('./kernel.js', import.meta.url).href, shortCircuit: true }
    : next(specifier, context);

export const load: LoadHook = (url, context, next) => {
  if (!url.startsWith('file:')) return next(url, context);
  const path = fileURLToPath(url);
  told.postMessage(path);
  return isTypeScript(path)
    ? { format: 'module', source: compiled(path), shortCircuit: true }
    : next(url, context);
};
