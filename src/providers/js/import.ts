/** A module of kernels, loaded: with `tierwise/js` at hand wherever it stands, and TypeScript compiled. */

import { register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { HookData } from './hooks.ts';
import { type JsLibrary, readLibrary } from './library.ts';

/** A module's table, and the files that its code is in. */
export interface Imported {
  readonly library: JsLibrary;
  readonly files: readonly string[];
}

/**
 * Loads a module.
 *
 * @throws whatever the module throws, or Error that names the export and what is wrong with it.
 */
export async function importLibrary(path: string): Promise<Imported> {
  const { port1, port2 } = new MessageChannel();
  const data: HookData = { told: port2 };
  register('./hooks.js', import.meta.url, { data, transferList: [port2] });
  try {
    const library = readLibrary(await import(pathToFileURL(path).href), path);
    const files: string[] = [];
    for (let next = receiveMessageOnPort(port1); next; next = receiveMessageOnPort(port1)) {
      files.push(next.message);
    }
    return { library, files };
  } finally {
    port1.close();
  }
}
