/**
 * A provider at work: its runner, which is started when first asked, and again after a death.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Runner } from '#addon';
import { pageBytes } from '../case/layout.ts';
import { projectRoot } from '../root.ts';
import { UsageError } from '../usage-error.ts';
import {
  type Call,
  type Contender,
  type Death,
  type Ran,
  type Request,
  type Response,
  signalName,
  type TableRow,
} from './protocol.ts';
import type { Provider } from './provider.ts';
import type { Slot, SlotPool } from './slots.ts';

/** An answer that only damage can cause: the runner and the harness do not understand each other. */
export class HostError extends Error {}

/** Where a death struck, when it was a fault at an address near a slot. */
export interface Struck {
  readonly slot: Slot;
  /** Bytes from the slot's first page. */
  readonly offset: number;
}

/** What came of a call. */
export type Answer =
  | Ran
  | { is: 'refused'; error: string }
  | { is: 'died'; death: Death; struck: Struck | null };

/** Milliseconds before a runner counts as hung, where a caller does not say. */
export const defaultPatience = 1500;
/** Faults up to this far from a slot are told as distances from it: the width of the guard. */
const guardBytes = 1 << 20;

/** The program that runs kernels, as a command. */
function runnerCommand(): string[] {
  const runner = join(projectRoot, 'target/release/tierwise-runner');
  if (!existsSync(runner))
    throw new UsageError(`the runner is not built (${runner}): run npm start, or npm run build`);
  return [runner];
}

/** One provider's kernels on one pool of slots. Not for use by two threads. */
export class Host {
  readonly provider: Provider;
  readonly #pool: SlotPool;
  readonly #inProcess: boolean;
  readonly #mapped = new Map<number, { slot: Slot; address: number }>();
  #runner: Runner | null = null;

  constructor(provider: Provider, pool: SlotPool, options: { inProcess: boolean } = { inProcess: false }) {
    this.provider = provider;
    this.#pool = pool;
    this.#inProcess = options.inProcess;
    pool.onDrop(slot => {
      if (this.#mapped.delete(slot.id)) this.#request({ do: 'unmap', slot: slot.id });
    });
  }

  /**
   * The library's table.
   *
   * @throws HostError when the library can't be loaded, with the reason.
   */
  table(): { name: string; version: string; kernels: TableRow[] } {
    const answer = this.#request({ do: 'table' }, 10_000);
    if (answer.is === 'table') return answer;
    throw new HostError(
      answer.is === 'refused' ? answer.error : `ended while being loaded: ${describeDeath(answer)}`,
    );
  }

  /** One call. `slots`: every slot that the call's tensors name. */
  run(kernel: number, call: Call, slots: readonly Slot[], patience = defaultPatience): Answer {
    return this.#answer({ do: 'run', kernel, call }, slots, patience, 'ran');
  }

  /**
   * Nanoseconds per call, `samples` times over `calls` calls, after one call that is not counted.
   *
   * @throws HostError when the contender refuses the call or dies of it.
   */
  time(contender: Contender, call: Call, slots: readonly Slot[], calls: number, samples: number): number[] {
    this.#map(slots);
    const answer = this.#request({ do: 'time', contender, call, calls, samples }, 120_000);
    if (answer.is === 'timed') return answer.nanoseconds;
    throw new HostError(answer.is === 'refused' ? answer.error : describeDeath(answer));
  }

  /** Ends the runner. */
  close(): void {
    this.#runner?.close();
    this.#runner = null;
    this.#mapped.clear();
  }

  #answer(request: Request, slots: readonly Slot[], patience: number, expected: 'ran'): Answer {
    this.#map(slots);
    const mapped = [...this.#mapped.values()];
    const answer = this.#request(request, patience);
    switch (answer.is) {
      case expected:
      case 'refused':
        return answer;
      case 'crashed':
      case 'hung':
      case 'exited':
        return {
          is: 'died',
          death: answer,
          struck: answer.is === 'crashed' ? locate(answer.address, mapped) : null,
        };
      default:
        throw new HostError(`the runner answered ${answer.is} to ${request.do}`);
    }
  }

  #map(slots: readonly Slot[]): void {
    for (const slot of slots) {
      if (this.#mapped.has(slot.id)) continue;
      const { id, fileOffset, span, pages } = slot;
      const answer = this.#request({ do: 'map', slot: id, fileOffset, span, ...(pages && { pages }) });
      if (answer.is !== 'mapped') {
        throw new HostError(
          answer.is === 'refused' ? answer.error : `the runner answered ${answer.is} to map`,
        );
      }
      this.#mapped.set(id, { slot, address: answer.address });
    }
  }

  #request(request: Request, patience = 10_000): Response {
    this.#runner ??= this.#start();
    const answer = JSON.parse(this.#runner.request(JSON.stringify(request), patience)) as Response;
    if (answer.is === 'crashed' || answer.is === 'hung' || answer.is === 'exited') this.close();
    return answer;
  }

  #start(): Runner {
    const { arena } = this.#pool;
    return this.#inProcess
      ? Runner.inProcess(arena, this.provider.path)
      : Runner.isolated(arena, runnerCommand(), this.provider.path);
  }
}

function locate(address: number, mapped: readonly { slot: Slot; address: number }[]): Struck | null {
  for (const { slot, address: start } of mapped) {
    const offset = address - start;
    if (offset >= -guardBytes && offset < slot.span * pageBytes + guardBytes) return { slot, offset };
  }
  return null;
}

/** A death in words. */
export function describeDeath(death: Exclude<Response, { is: 'refused' }>): string {
  switch (death.is) {
    case 'crashed':
      return `${signalName(death.signal)}${death.words ? `, last words: ${death.words}` : ''}`;
    case 'hung':
      return `no answer in ${death.afterMilliseconds} ms`;
    case 'exited':
      return `exit code ${death.code}${death.words ? `, last words: ${death.words}` : ''}`;
    default:
      return `an unexpected answer, ${death.is}`;
  }
}
