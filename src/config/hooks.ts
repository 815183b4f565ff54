/**
 * Hooks for Node's module loader, in a thread of their own: `tierwise/config` is this package wherever a config
 * stands, and TypeScript becomes JavaScript by the compiler that built this project. (Node 20 strips no types.)
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire, type LoadHook, type ResolveHook } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const resolve: ResolveHook = (specifier, context, next) =>
  specifier === 'tierwise/config'
    ? { url: new URL('./config.js', import.meta.url).href, shortCircuit: true }
    : next(specifier, context);

export const load: LoadHook = (url, context, next) =>
  url.startsWith('file:') && /\.m?ts$/.test(url)
    ? { format: 'module', source: compiled(fileURLToPath(url)), shortCircuit: true }
    : next(url, context);

/** One file, its types taken away and nothing else looked at. */
const flags = [
  '--ignoreConfig',
  '--noCheck',
  '--noResolve',
  ...['--module', 'esnext', '--target', 'es2023', '--verbatimModuleSyntax'],
];

function compiled(file: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tierwise-config-'));
  try {
    // A package around it that has `exports` would make the compiler look for a root.
    const from = ['--rootDir', dirname(file)];
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
    const { status, stdout, error } = spawnSync(
      process.execPath,
      [tsc, ...flags, ...from, '--outDir', folder, file],
      {
        encoding: 'utf8',
      },
    );
    if (error) throw error;
    if (status !== 0) throw new SyntaxError(stdout.trim().split('\n')[0]);
    return readFileSync(join(folder, readdirSync(folder)[0]), 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
