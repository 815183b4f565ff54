/**
 * Examiners at work side by side: one a thread, each with runner processes of its own.
 */

import { Worker } from 'node:worker_threads';
import type { Case } from '../case/case.ts';
import type { FloatDtype } from '../case/dtype.ts';
import type { Again } from './ask-again.ts';
import { type Assignment, Examiner, type ShrinkTask, type Unit, type UnitReport } from './examiner.ts';
import type { Shrunk } from './shrink.ts';

/** A task, by kind; what comes back is in `Results`. */
export type Task =
  | { readonly do: 'unit'; readonly unit: Unit }
  | { readonly do: 'shrink'; readonly task: ShrinkTask }
  | { readonly do: 'again'; readonly kernel: string; readonly case: Case; readonly property: string }
  | { readonly do: 'digest'; readonly kernel: string; readonly dtype: FloatDtype };

export interface Results {
  unit: UnitReport;
  shrink: Shrunk;
  again: Again;
  digest: string | null;
}

/** A task that the harness itself failed at: nothing is known from it, of any kernel. */
export class Mishap {
  /** What was thrown, in one line. */
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** Does tasks, several at once. */
export interface Crew {
  readonly size: number;
  /** What came of them, in the order of the tasks; of the first ones alone where `stop` says that no more is wanted. */
  all<K extends Task['do']>(
    tasks: readonly Extract<Task, { do: K }>[],
    stop?: AbortSignal,
  ): Promise<(Results[K] | Mishap)[]>;
  close(): Promise<void>;
}

/**
 * Results of tasks without which there is no going on.
 *
 * @throws Error with the message of the first mishap.
 */
export function certain<T>(results: readonly (T | Mishap)[]): T[] {
  return results.map(result => {
    if (result instanceof Mishap) throw new Error(result.message);
    return result;
  });
}

/** One task on an examiner, and a mishap where it throws. */
export function attempt(examiner: Examiner, task: Task): Reply {
  try {
    return { result: perform(examiner, task) };
  } catch (error) {
    // What it had begun belongs to no later task.
    examiner.lab.clear();
    return { mishap: where(error) };
  }
}

/** `TypeError: x is not a function (at f, reference/gqa/gqa.ts:12)`: an error and where it was thrown, in one line. */
function where(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const at = /\n\s+(at .+)/.exec(error.stack ?? '')?.[1];
  return `${error.name}: ${error.message.split('\n')[0]}${at ? ` (${at})` : ''}`;
}

function perform(examiner: Examiner, task: Task): Results[Task['do']] {
  switch (task.do) {
    case 'unit':
      return examiner.examineUnit(task.unit);
    case 'shrink':
      return examiner.shrink(task.task);
    case 'again':
      return examiner.again(task.kernel, task.case, task.property);
    case 'digest':
      return examiner.digest(task.kernel, task.dtype);
  }
}

/** A crew of one, on the calling thread. */
export function alone(assignment: Assignment): Crew {
  const examiner = new Examiner(assignment);
  return {
    size: 1,
    all: async (tasks, stop) =>
      tasks.flatMap(task => (stop?.aborted ? [] : [taken(attempt(examiner, task))])) as never,
    close: async () => examiner.close(),
  };
}

/** What a worker sends back. */
export type Reply = { readonly result: Results[Task['do']] } | { readonly mishap: string };

function taken(reply: Reply): Results[Task['do']] | Mishap {
  return 'mishap' in reply ? new Mishap(reply.mishap) : reply.result;
}

/** A crew of `size` threads. */
export function threads(assignment: Assignment, size: number): Crew {
  const start = () => new Worker(new URL('./worker.js', import.meta.url), { workerData: assignment });
  const workers: (Worker | undefined)[] = Array.from({ length: size }, start);
  /** Where a worker ends, its task is a mishap, and the next one gets another worker. */
  const ask = (w: number, task: Task) =>
    new Promise<Results[Task['do']] | Mishap>(resolve => {
      workers[w] ??= start();
      const worker = workers[w];
      const done = (result: Results[Task['do']] | Mishap) => {
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        resolve(result);
      };
      const ended = (why: string) => {
        workers[w] = undefined;
        done(new Mishap(why));
      };
      const onMessage = (reply: Reply) => done(taken(reply));
      const onError = (error: unknown) => ended(where(error));
      const onExit = (code: number) => ended(`a worker thread ended with code ${code}`);
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      worker.postMessage(task);
    });
  return {
    size,
    all: async (tasks, stop) => {
      const results: (Results[Task['do']] | Mishap)[] = [];
      let next = 0;
      await Promise.all(
        workers.map(async (_, w) => {
          while (next < tasks.length && !stop?.aborted) {
            const index = next++;
            results[index] = await ask(w, tasks[index]);
          }
        }),
      );
      return results as never;
    },
    close: async () => {
      await Promise.all(workers.map(worker => worker?.terminate()));
    },
  };
}
