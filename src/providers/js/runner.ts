/**
 * The process in which kernels of a module run: crates/runner's counterpart, started by the harness in the same
 * way and spoken to in the same words. A kernel that crashes, hangs or ends the process hurts nobody else.
 */

import { register } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { Served } from '#addon';
import type { Request, Response } from '../protocol.ts';
import { JsExecutor } from './executor.ts';
import type { HookData } from './hooks.ts';
import { readLibrary } from './library.ts';

/** A module's executor, or why it has none. */
async function open(path: string, served: Served): Promise<JsExecutor | string> {
  const { port1, port2 } = new MessageChannel();
  const data: HookData = { told: port2 };
  register('./hooks.js', import.meta.url, { data, transferList: [port2] });
  try {
    const library = readLibrary(await import(pathToFileURL(path).href), path);
    const files: string[] = [];
    for (let next = receiveMessageOnPort(port1); next; next = receiveMessageOnPort(port1))
      files.push(next.message);
    return new JsExecutor(library, files, served.arena());
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } finally {
    port1.close();
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
