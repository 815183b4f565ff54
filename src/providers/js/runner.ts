/**
 * The process in which kernels of a module run: crates/runner's counterpart, started by the harness in the same
 * way and spoken to in the same words. A kernel that crashes, hangs or ends the process hurts nobody else.
 */

import { setImmediate } from 'node:timers/promises';
import { Served } from '#addon';
import type { Request, Response } from '../protocol.ts';
import { JsExecutor } from './executor.ts';
import { importLibrary } from './import.ts';

/** A module's executor, or why it has none. */
async function open(path: string, served: Served): Promise<JsExecutor | string> {
  try {
    return new JsExecutor(await importLibrary(path), served.arena());
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

const served = Served.takeOver();
const executor = await open(process.argv[2], served);
for (let message = served.receive(); message !== null; message = served.receive()) {
  const request = JSON.parse(message) as Request;
  const response: Response =
    typeof executor === 'string' ? { is: 'refused', error: executor } : executor.handle(request);
  served.send(JSON.stringify(response));
  // Memory that is not needed any more is unmapped when the loop turns, and not before.
  if (typeof request === 'object' && 'map' in request && request.map.forget.length > 0) await setImmediate();
}
process.exit(0);
