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

/** Does tasks, several at once. */
export interface Crew {
  readonly size: number;
  /** The results, in the order of the tasks. */
  all<K extends Task['do']>(tasks: readonly Extract<Task, { do: K }>[]): Promise<Results[K][]>;
  close(): Promise<void>;
}

/** One task on an examiner. */
export function perform(examiner: Examiner, task: Task): Results[Task['do']] {
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
    all: async tasks => tasks.map(task => perform(examiner, task)) as never,
    close: async () => examiner.close(),
  };
}

/** What a worker sends back. */
export type Reply = { result: Results[Task['do']] } | { error: string };

/** A crew of `size` threads. */
export function threads(assignment: Assignment, size: number): Crew {
  const workers = Array.from(
    { length: size },
    () => new Worker(new URL('./worker.js', import.meta.url), { workerData: assignment }),
  );
  const ask = (worker: Worker, task: Task) =>
    new Promise<Results[Task['do']]>((resolve, reject) => {
      const done = (settle: () => void) => {
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        settle();
      };
      const onMessage = (reply: Reply) =>
        done(() => ('error' in reply ? reject(new Error(reply.error)) : resolve(reply.result)));
      const onError = (error: Error) => done(() => reject(error));
      const onExit = (code: number) =>
        done(() => reject(new Error(`a worker thread ended with code ${code}`)));
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      worker.postMessage(task);
    });
  return {
    size,
    all: async tasks => {
      const results: Results[Task['do']][] = [];
      let next = 0;
      await Promise.all(
        workers.map(async worker => {
          while (next < tasks.length) {
            const index = next++;
            results[index] = await ask(worker, tasks[index]);
          }
        }),
      );
      return results as never;
    },
    close: async () => {
      await Promise.all(workers.map(worker => worker.terminate()));
    },
  };
}
