/**
 * Hooks for Node's module loader, in a thread of their own: `tierwise/config` is this package wherever a config
 * stands, and TypeScript becomes JavaScript.
 */

import type { LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import { compiled, isTypeScript } from '../typescript.ts';

export const resolve: ResolveHook = (specifier, context, next) =>
  specifier === 'tierwise/config'
    ? { url: new URL('./config.js', import.meta.url).href, shortCircuit: true }
    : next(specifier, context);

export const load: LoadHook = (url, context, next) =>
  url.startsWith('file:') && isTypeScript(url)
    ? { format: 'module', source: compiled(fileURLToPath(url)), shortCircuit: true }
    : next(url, context);
