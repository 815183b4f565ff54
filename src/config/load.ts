/** Finds and reads a config file. */

import { existsSync } from 'node:fs';
import { register } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checked, readJson } from '../run/store.ts';
import { UsageError } from '../usage-error.ts';
import { configSchema, type Settings } from './config.ts';

const what = 'config';
const names = ['ts', 'mts', 'js', 'mjs', 'json'].map(ending => `tierwise.config.${ending}`);

/** What is configured, and by which file; null: by none. */
export interface Configured {
  readonly file: string | null;
  readonly settings: Settings;
}

/**
 * The config at a path, or else the one in a folder; defaults where there is none.
 *
 * @throws UsageError that names the file, the key and its value.
 */
export async function loadConfig(path: string | undefined, folder: string): Promise<Configured> {
  const file = path ?? findIn(folder);
  if (file === null) return { file, settings: configSchema.parse({}) };
  const settings = checked(file, what, await read(file), configSchema);
  const absolute = (path: string) => resolve(dirname(file), path);
  return {
    file,
    settings: {
      ...settings,
      ...(settings.libraries && { libraries: settings.libraries.map(absolute) }),
      ...(settings.ownCases && { ownCases: absolute(settings.ownCases) }),
      ...(settings.regressions && { regressions: absolute(settings.regressions) }),
    },
  };
}

function findIn(folder: string): string | null {
  const found = names.filter(name => existsSync(join(folder, name)));
  if (found.length > 1) throw new UsageError(`there are ${found.join(' and ')}: keep one, or say --config`);
  return found[0] ?? null;
}

async function read(file: string): Promise<unknown> {
  if (file.endsWith('.json')) return readJson(file, what);
  if (!existsSync(file)) throw new UsageError(`there is no ${what} ${file}`);
  if (!/\.m?[jt]s$/.test(file)) {
    throw new UsageError(`${file} is not a ${what}: it takes .ts, .mts, .js, .mjs or .json`);
  }
  register('./hooks.js', import.meta.url);
  let module: { default?: unknown };
  try {
    module = await import(pathToFileURL(file).href);
  } catch (error) {
    throw new UsageError(
      `${file} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (module.default === undefined)
    throw new UsageError(`${file} is not a ${what}: it has no default export`);
  return module.default;
}
