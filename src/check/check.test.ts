/** What a check makes of the reports of its crew. */

import { describe, expect, test } from 'vitest';
import type { FloatDtype } from '../case/dtype.ts';
import { kernelId } from '../providers/provider.ts';
import { check, type Limits } from './check.ts';
import { type Crew, Mishap, type Task } from './crew.ts';
import { noEvidence, type Sighting } from './evidence.ts';
import type { Unit, UnitReport } from './examiner.ts';
import type { Breach } from './property.ts';
import { kernel } from './testing/fake-lab.ts';

const kernels = [kernel('a'), kernel('b#1')];
const [a, b] = kernels.map(kernelId);

/** A sighting of a kernel in case k. */
const seen = (
  id: string,
  k: number,
  property: string,
  fatal?: Breach['fatal'],
  dtype: FloatDtype = 'f32',
): Sighting => ({
  kernel: id,
  dtype,
  k,
  breach: { property, message: `${property} in ${k}`, elements: [], ...(fatal && { fatal }) },
});

/** A crew whose units see these things, each case once, and that notes its tasks. */
function crewOf(sightings: readonly Sighting[]) {
  const tasks: Task[] = [];
  const report = ({ from, to, closed }: Unit): UnitReport => {
    const evidence: UnitReport['evidence'] = {};
    for (const id of [a, b].filter(id => !closed.includes(id))) {
      evidence[`${id}#f32`] = { ...noEvidence(), asked: to - from, cases: to - from };
    }
    const inside = sightings.filter(({ kernel, k }) => k >= from && k < to && !closed.includes(kernel));
    return {
      evidence,
      sightings: inside,
      edges: { size: { small: 1 } },
      stands: {},
      cases: to - from,
      elements: 10,
      calls: 2,
      asked: { 'f32#p': to - from },
    };
  };
  const perform = (task: Task): unknown => {
    tasks.push(task);
    if (task.do === 'unit') return report(task.unit);
    if (task.do === 'digest') return `digest of ${task.kernel}`;
    if (task.do === 'again') return { is: 'held' };
    return {
      case: null,
      breach: task.task.sighting.breach,
      steps: 0,
      runs: 0,
      fromElements: 1,
      toElements: 1,
    };
  };
  const all: Crew['all'] = async (list, stop) => (stop?.aborted ? [] : list.map(perform)) as never;
  const crew: Crew = { size: 1, all, close: async () => {} };
  const units = () => tasks.flatMap(task => (task.do === 'unit' ? [task.unit] : []));
  return { crew, units };
}

const run = (sightings: readonly Sighting[], limits: Partial<Limits> = {}) => {
  const { crew, units } = crewOf(sightings);
  const checked = check(crew, kernels, ['f32'], { cases: 600, seconds: Infinity, ...limits });
  return checked.then(result => ({ result, units: units() }));
};

test('goes through the sequence once, without gaps, and stops at the number asked for', async () => {
  for (const cases of [1, 8, 33, 600]) {
    const { result, units } = await run([], { cases });
    expect(units.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i))).toEqual([
      ...Array(cases).keys(),
    ]);
    expect(result).toMatchObject({ cases, elements: units.length * 10, calls: units.length * 2 });
    expect(result.edges.get('rms_norm')).toEqual({ size: { small: units.length } });
    expect(result.evidence.get(`${a}#f32`)?.asked).toBe(cases);
  }
});

test('a budget of no time asks nothing, and is no evidence', async () => {
  const { result, units } = await run([], { seconds: 0 });
  expect(units).toEqual([]);
  expect(result.evidence.size).toBe(0);
});

test('told to stop, it begins no further task, tells what was seen, and says that it is not whole', async () => {
  const stop = new AbortController();
  const { crew, units } = crewOf([seen(a, 3, 'p'), seen(b, 500, 'q')]);
  let waves = 0;
  const all: Crew['all'] = async (tasks, signal) => {
    if ((tasks as readonly Task[]).some(task => task.do === 'unit')) waves++;
    if ((tasks as readonly Task[]).some(task => task.do === 'unit' && task.unit.from >= 32))
      stop.abort('SIGINT');
    return await crew.all(tasks, signal);
  };
  const limits = { cases: 600, seconds: Infinity, stop: stop.signal };
  const result = await check({ ...crew, all }, kernels, ['f32'], limits);
  expect(units().at(-1)?.to).toBe(32);
  expect(waves).toBe(2);
  expect(result).toMatchObject({ cases: 32, digests: new Map() });
  expect(result.found.map(({ sighting }) => sighting.breach.message)).toEqual(['p in 3']);
  const during = 'what comes after 32 cases';
  const mishap = { op: 'rms_norm', during, message: 'interrupted by SIGINT', interrupted: true };
  expect(result.mishaps).toEqual([mishap]);
});

describe('findings', () => {
  const properties = ({ found }: Awaited<ReturnType<typeof run>>['result']) =>
    found.map(f => f.sighting.breach.message);

  test('the first of each property is shrunk, the earliest three of a cell', async () => {
    const all = ['p', 'q', 'r', 's'].flatMap((property, i) => [
      seen(a, 100 - i, property),
      seen(a, 300, property),
    ]);
    const { result } = await run([...all, seen(b, 5, 'p')]);
    expect(properties(result)).toEqual(['p in 5', 's in 97', 'r in 98', 'q in 99']);
  });

  test('what ended a kernel is always among them', async () => {
    const before = ['p', 'q', 'r'].map((property, k) => seen(a, k, property));
    const { result } = await run([...before, seen(a, 20, 'survival', 'hang')]);
    expect(properties(result)).toContain('survival in 20');
    expect(result.found.length).toBe(3);
    expect([...result.died]).toEqual([a]);
  });
});

describe('a kernel that died', () => {
  test.each([a, b])('is not asked again after the wave, has no digest: %s', async id => {
    const { result, units } = await run([seen(id, 3, 'survival', 'crash'), seen(id, 500, 'late')]);
    expect(units.filter(({ from }) => from < 32).every(({ closed }) => closed.length === 0)).toBe(true);
    expect(units.filter(({ from }) => from >= 32).every(({ closed }) => closed.includes(id))).toBe(true);
    const other = id === a ? b : a;
    expect(Object.fromEntries(result.digests)).toEqual({ [`${other}#f32`]: `digest of ${other}` });
    expect(result.found.map(f => f.sighting.breach.message)).toEqual(['survival in 3']);
    // Evidence ends with the part in which it died, however the wave went on.
    expect(result.evidence.get(`${id}#f32`)?.asked).toBe(8);
    expect(result.evidence.get(`${other}#f32`)?.asked).toBe(600);
  });
});

describe('what the harness itself fails at', () => {
  /** A check of 600 cases with a finding in case 3, whose crew fails at some tasks. */
  const failingAt = async (fails: (task: Task) => boolean) => {
    const { crew, units } = crewOf([seen(a, 3, 'p'), seen(b, 70, 'q')]);
    const all: Crew['all'] = async tasks => {
      const results = await crew.all(tasks);
      return results.map((result, i) => (fails(tasks[i]) ? new Mishap('Error: out of order') : result));
    };
    const result = await check({ ...crew, all }, kernels, ['f32'], { cases: 600, seconds: Infinity });
    return { result, units: units() };
  };
  const message = 'Error: out of order';

  test('loses its own cases alone, and the sequence ends with the wave', async () => {
    const { result, units } = await failingAt(task => task.do === 'unit' && task.unit.from === 64);
    expect(result.mishaps).toEqual([{ op: 'rms_norm', during: 'cases 64 to 71', message }]);
    expect(result.found.map(({ sighting }) => sighting.breach.message)).toEqual(['p in 3']);
    expect(units.at(-1)?.to).toBe(288);
    expect(result.cases).toBe(280);
  });

  test('a finding that could not be made small is told in words', async () => {
    const { result } = await failingAt(task => task.do === 'shrink' && task.task.sighting.k === 3);
    const during = `making case 3 small, in which ${a} f32 fails: p: p in 3`;
    expect(result.mishaps).toEqual([{ op: 'rms_norm', during, message }]);
    expect(result.found.map(({ sighting }) => sighting.breach.message)).toEqual(['q in 70']);
  });

  test('a digest is left out, the others are there', async () => {
    const { result } = await failingAt(task => task.do === 'digest' && task.kernel === a);
    expect(result.mishaps).toEqual([{ op: 'rms_norm', during: `the digest of ${a} f32`, message }]);
    expect([...result.digests.keys()]).toEqual([`${b}#f32`]);
  });
});

test('a cell that failed often enough is asked no more; the kernel is, in other types', async () => {
  const unitsWith = async (failed: number) => {
    const { crew } = crewOf([]);
    const asked: Unit[] = [];
    const failing = (unit: Unit): UnitReport => {
      asked.push(unit);
      const evidence = { ...noEvidence(), asked: 8, properties: { equivalence: { held: 0, failed } } };
      return {
        evidence: { [`${a}#f32`]: evidence, [`${a}#f16`]: noEvidence() },
        sightings: [],
        edges: {},
        stands: {},
        cases: 8,
        elements: 0,
        calls: 0,
        asked: {},
      };
    };
    const perform = (task: Task) => (task.do === 'unit' ? failing(task.unit) : 'digest');
    await check({ ...crew, all: async tasks => tasks.map(perform) as never }, kernels, ['f32', 'f16'], {
      cases: 600,
      seconds: Infinity,
    });
    return asked.filter(({ from }) => from >= 32);
  };
  expect((await unitsWith(16)).every(({ closed }) => closed.join() === `${a}#f32`)).toBe(true);
  // 63 in the first wave.
  expect((await unitsWith(63 / 4))[0].closed).toEqual([]);
});
