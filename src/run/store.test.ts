import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { greenRun, plantedRun } from '../../reports/testing/sample.ts';
import { changed } from '../testing/changed.ts';
import { UsageError } from '../usage-error.ts';
import { readRun, requireWritable, writeRun, writeWhole } from './store.ts';

const root = mkdtempSync(join(tmpdir(), 'tierwise-store-'));
afterAll(() => rmSync(root, { recursive: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'in-'));
  writeFileSync(join(folder, 'plain'), 'a file');
  mkdirSync(join(folder, 'taken'));
});

test('a run is read as it was written', () => {
  for (const run of [greenRun(), plantedRun()]) {
    const path = join(folder, 'new/deep/run.json');
    writeRun(path, run);
    expect(readRun(path)).toEqual(run);
    expect(readdirSync(join(folder, 'new/deep'))).toEqual(['run.json']);
  }
});

test('a file is replaced whole, and nothing else stays', () => {
  const path = join(folder, 'file');
  writeWhole(path, 'a long first text');
  writeWhole(path, Uint8Array.of(104, 105));
  expect(readFileSync(path, 'latin1')).toBe('hi');
  expect(readdirSync(folder).sort()).toEqual(['file', 'plain', 'taken']);
});

test('a run that is no run is not written, and what stood there stays', () => {
  const path = join(folder, 'run.json');
  writeRun(path, greenRun());
  const before = readFileSync(path, 'utf8');
  const wrong = changed(greenRun(), { 'cells.0.cases': Number.NaN }) as ReturnType<typeof greenRun>;
  expect(() => writeRun(path, wrong)).toThrow();
  expect(readFileSync(path, 'utf8')).toBe(before);
});

describe('where nothing can be written', () => {
  test.each(['plain/run.json', 'plain/deep/er/run.json', 'taken', 'x'.repeat(255), '\0'])(
    '%j is refused, and leaves nothing',
    name => {
      const path = `${folder}/${name}`;
      for (const attempt of [() => writeWhole(path, 'x'), () => requireWritable(path)]) {
        expect(attempt).toThrow(UsageError);
        expect(attempt).toThrow(`cannot write ${path.replace('\0', '\\x00')}: `);
        expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['plain', 'taken']);
      }
      expect(readFileSync(join(folder, 'plain'), 'utf8')).toBe('a file');
    },
  );

  test('to ask beforehand makes no folder and no file', () => {
    requireWritable(join(folder, 'new/deep/run.json'));
    requireWritable(join(folder, 'plain'));
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['plain', 'taken']);
    expect(readFileSync(join(folder, 'plain'), 'utf8')).toBe('a file');
  });
});

describe('a run document', () => {
  const whole = JSON.stringify(greenRun());
  const refusal = (content: string): string => {
    const path = join(folder, 'run.json');
    writeFileSync(path, content);
    try {
      readRun(path);
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
      const { message } = error as UsageError;
      expect(message.startsWith(`${path} is not a run document`)).toBe(true);
      return message;
    }
    throw new Error('this was not refused');
  };

  test.each([
    ['nothing', '', /JSON/],
    ['a half', whole.slice(0, whole.length / 2), /JSON/],
    ['a list', '[]', /as a whole it is \[\]: .*expected object/],
    ['null', 'null', /as a whole it is null: /],
  ])('of %s is refused', (_, content, says) => {
    expect(refusal(content)).toMatch(says);
  });

  test.each<[Record<string, unknown>, RegExp]>([
    [{ version: 5 }, /at version it is 5: .*expected 6/],
    [{ version: '1' }, /at version it is "1": /],
    [{ surprise: 1 }, /Unrecognized key: "surprise"/],
    [{ cells: {} }, /at cells it is \{\}: /],
    [{ 'cells.1.verdict': 'green' }, /at cells\[1\]\.verdict it is "green": /],
    [{ 'cells.0.cases': -5 }, /at cells\[0\]\.cases it is -5: /],
    [{ 'cells.0.worst.case.version': 9 }, /at cells\[0\]\.worst\.case\.version it is 9: /],
    [{ 'machines.0.tiers.0.available': 'yes' }, /at machines\[0\]\.tiers\[0\]\.available it is "yes": /],
    [{ started: 'yesterday' }, /at started it is "yesterday": /],
    [
      { 'cells.3': greenRun().cells[4] },
      /at cells\[4\] it is .*native\/rms_norm\/lanes32\/scalar f16 is there twice/,
    ],
    [{ 'timings.7.machine': 1 }, /at timings\[7\]\.machine it is 1: the run has 1 machines/],
    [{ 'cells.0.machines': [0, 3] }, /at cells\[0\]\.machines\[1\] it is 3: /],
    [{ machines: [] }, /at machines it is \[\]: /],
  ])('with %j is refused', (changes, says) => {
    expect(refusal(JSON.stringify(changed(greenRun(), changes)))).toMatch(says);
  });

  test('that is not there is refused', () => {
    expect(() => readRun(join(folder, 'none.json'))).toThrow(/there is no run document .*none\.json/);
  });
});
