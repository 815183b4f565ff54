/** Runners of modules, seen from the harness. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Arena } from '#addon';
import { projectRoot } from '../../root.ts';
import { UsageError } from '../../usage-error.ts';
import type { Request } from '../protocol.ts';
import { JsExecutor } from './executor.ts';
import { readLibrary } from './library.ts';

/** The program that runs kernels of a module, as a command. */
export function jsRunnerCommand(): string[] {
  const runner = join(projectRoot, 'dist/src/providers/js/runner.js');
  if (!existsSync(runner))
    throw new UsageError(`the runner is not built (${runner}): run npm start, or npm run build`);
  return [process.execPath, '--no-warnings', runner];
}

/** A module in this process, for a debugger: a kernel that hangs here hangs the harness. */
export class JsRunner {
  readonly #executor: JsExecutor;

  /** @throws UsageError when the module can't be loaded without waiting. */
  constructor(path: string, arena: Arena) {
    let exports: unknown;
    try {
      exports = createRequire(import.meta.url)(path);
    } catch (error) {
      throw new UsageError(
        `${path} cannot be loaded in this process (modules in TypeScript, and such that await, cannot): ` +
          `${error instanceof Error ? error.message : String(error)}`,
      );
    }
    this.#executor = new JsExecutor(readLibrary(exports, path), [], arena);
  }

  request(message: string): string {
    return JSON.stringify(this.#executor.handle(JSON.parse(message) as Request));
  }

  close(): void {}
}
