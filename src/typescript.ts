/** TypeScript of others, as JavaScript: by the compiler that built this project, since Node 20 strips no types. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Whether a file is to be compiled. */
export function isTypeScript(path: string): boolean {
  return /\.m?ts$/.test(path);
}

/** One file, its types taken away and nothing else looked at. */
const flags = [
  '--ignoreConfig',
  '--noCheck',
  '--noResolve',
  ...['--module', 'esnext', '--target', 'es2023', '--verbatimModuleSyntax'],
];

/**
 * The JavaScript of a file.
 *
 * @throws SyntaxError with the first of what the compiler says.
 */
export function compiled(file: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tierwise-compiled-'));
  try {
    // A package around it that has `exports` would make the compiler look for a root.
    const from = ['--rootDir', dirname(file)];
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
    const args = [tsc, ...flags, ...from, '--outDir', folder, file];
    const { status, stdout, error } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (error) throw error;
    if (status !== 0) throw new SyntaxError(stdout.trim().split('\n')[0]);
    return readFileSync(join(folder, readdirSync(folder)[0]), 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
