/** The thread of a crew: does tasks as they come. */

import { parentPort, workerData } from 'node:worker_threads';
import { perform, type Reply, type Task } from './crew.ts';
import { type Assignment, Examiner } from './examiner.ts';

const examiner = new Examiner(workerData as Assignment);

parentPort?.on('message', (task: Task) => {
  let reply: Reply;
  try {
    reply = { result: perform(examiner, task) };
  } catch (error) {
    reply = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  parentPort?.postMessage(reply);
});
