/** Ctrl-C in the midst of long work: what was seen by then is told, not lost. */

import { complain } from './terminal.ts';

const signals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Does work that looks at a signal to stop. The first SIGINT or SIGTERM gives it, with the name as its reason; the
 * second ends the process, as either does once the work is done.
 */
export async function interruptible<T>(work: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    silence();
    complain(
      `${signal}: no more cases; what failed is made small and written down (once more ends it at once)`,
    );
    stop.abort(signal);
  };
  const silence = () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    return await work(stop.signal);
  } finally {
    silence();
  }
}
