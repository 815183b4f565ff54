/** The thread of a crew: does tasks as they come. */

import { parentPort, workerData } from 'node:worker_threads';
import { attempt, type Task } from './crew.ts';
import { type Assignment, Examiner } from './examiner.ts';

const examiner = new Examiner(workerData as Assignment);

parentPort?.on('message', (task: Task) => {
  parentPort?.postMessage(attempt(examiner, task));
});
