/** Runners of modules, seen from the harness. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Arena } from '#addon';
import { projectRoot } from '../../root.ts';
import { UsageError } from '../../usage-error.ts';
import type { Request } from '../protocol.ts';
import { JsExecutor } from './executor.ts';
import { type Imported, importLibrary } from './import.ts';

/** The program that runs kernels of a module, as a command. */
export function jsRunnerCommand(): string[] {
  const runner = join(projectRoot, 'dist/src/providers/js/runner.js');
  if (!existsSync(runner))
    throw new UsageError(`the runner is not built (${runner}): run npm start, or npm run build`);
  return [process.execPath, '--no-warnings', runner];
}

/** Modules that this process has loaded, by path. */
const loaded = new Map<string, Imported>();

/** Loads a module into this process, for a runner in it: that one can't wait. */
export async function loadHere(path: string): Promise<void> {
  loaded.set(path, await importLibrary(path));
}

/** A module in this process, for a debugger: a kernel that hangs here hangs the harness. */
export class JsRunner {
  readonly #executor: JsExecutor;

  /** @param path - of a module that was loaded. */
  constructor(path: string, arena: Arena) {
    const imported = loaded.get(path);
    if (!imported) throw new Error(`${path} was not loaded into this process`);
    this.#executor = new JsExecutor(imported, arena);
  }

  request(message: string): string {
    return JSON.stringify(this.#executor.handle(JSON.parse(message) as Request));
  }

  close(): void {}
}
