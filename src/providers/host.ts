/**
 * A provider at work: its runner, which is started when first asked, and again after a death.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Runner } from '#addon';
import { pageBytes } from '../case/layout.ts';
import { projectRoot } from '../root.ts';
import { UsageError } from '../usage-error.ts';
import { type Cpu, commandOn, here, slownessOf } from './cpu.ts';
import { JsRunner, jsRunnerCommand } from './js/start.ts';
import {
  type Call,
  type Clock,
  type Contender,
  type Death,
  type Request,
  type Response,
  type Run,
  type RunResult,
  signalName,
} from './protocol.ts';
import { isModule, type Provider } from './provider.ts';
import type { Slot, SlotPool } from './slots.ts';

/** An answer that only damage can cause: the runner and the harness do not understand each other. */
export class HostError extends Error {}

/** Where a death struck, when it was a fault at an address near a slot. */
export interface Struck {
  readonly slot: Slot;
  /** Bytes from the slot's first page. */
  readonly offset: number;
}

/** The runner did not come back from a call. */
export type Died = {
  is: 'died';
  death: Death;
  struck: Struck | null;
  /** Set where an emulated CPU does not know an instruction: its name. */
  unknownTo?: string;
};

/** What came of a call, or of the runner in it. */
export type Answer = RunResult | Died;

/** What came of a sequence of calls, or of the runner in one of them. */
export type SequenceAnswer = { results: readonly RunResult[] } | Died;

/**
 * What a kernel says of whether it can run. illegal: it executes XGETBV on a faked CPU that has not enabled it;
 * unknown: it could not be asked.
 */
export type Said = 'yes' | 'no' | 'illegal' | 'unknown';

/** How a runner on a faked CPU ends then: `NOT_ENABLED` of crates/exec/src/faked.rs. */
const notEnabled = 77;

/** Milliseconds before a runner counts as hung, where a caller does not say. */
export const defaultPatience = 1500;
/** The signal that an illegal instruction raises. */
const sigill = 4;
/** The signal that no process can handle. */
const sigkill = 9;
/** Faults up to this far from a slot are told as distances from it: the width of the guard. */
const guardBytes = 1 << 20;

/** How a host has its kernels run. */
interface HostOptions {
  readonly inProcess?: boolean;
  readonly cpu?: Cpu;
}

/** The program that runs kernels, as a command. */
function runnerCommand(cpu: Cpu): string[] {
  const runner = join(projectRoot, 'target/release/tierwise-runner');
  if (!existsSync(runner))
    throw new UsageError(`the runner is not built (${runner}): run npm start, or npm run build`);
  return commandOn(cpu, runner);
}

/** One provider's kernels on one pool of slots. Not for use by two threads. */
export class Host {
  readonly provider: Provider;
  readonly #pool: SlotPool;
  readonly #options: Required<HostOptions>;
  readonly #mapped = new Map<number, { slot: Slot; address: number }>();
  /** Slots that are gone and still mapped. */
  readonly #forgotten: number[] = [];
  #runner: Pick<Runner, 'request' | 'close'> | null = null;

  constructor(provider: Provider, pool: SlotPool, { inProcess = false, cpu = here }: HostOptions = {}) {
    this.provider = provider;
    this.#pool = pool;
    this.#options = { inProcess, cpu };
  }

  readonly #forget = (slot: Slot): void => {
    if (this.#mapped.delete(slot.id)) this.#forgotten.push(slot.id);
  };

  /**
   * The library's table.
   *
   * @throws HostError when the library can't be loaded, with the reason.
   */
  table(): Extract<Response, { is: 'table' }> {
    const answer = this.#request('table');
    if (answer.is === 'table') return answer;
    throw new HostError(
      isDeath(answer) ? `ended while being loaded: ${describeDeath(answer)}` : describe(answer),
    );
  }

  /** Whether its kernels run on an emulated CPU. */
  get isEmulated(): boolean {
    return this.#options.cpu.is === 'emulated';
  }

  /** What a kernel says of whether it can run on the host's CPU. */
  available(kernel: number): Said {
    const answer = this.#request({ available: { kernel } });
    if (answer.is === 'available') return answer.available ? 'yes' : 'no';
    return answer.is === 'exited' && answer.code === notEnabled ? 'illegal' : 'unknown';
  }

  /**
   * Calls, one after the other, each on slots of its own. When the runner dies in one of several, each is made
   * again by itself.
   *
   * @param slots - every slot that the calls' tensors name.
   * @param fill - writes what run i finds in its slots; called before each attempt.
   */
  run(
    runs: readonly Run[],
    slots: readonly Slot[],
    fill: (i: number) => void,
    patience = defaultPatience,
  ): Answer[] {
    const sequences = runs.map(run => [run]);
    return this.runInOrder(sequences, slots, fill, patience).map(answer =>
      'results' in answer ? answer.results[0] : answer,
    );
  }

  /**
   * Sequences of calls, each kernel's own: what comes of a call may depend on those before it. When the runner
   * dies in one of several sequences, each is gone through again by itself, in a new runner.
   *
   * @param attempts - how often a runner may be killed from outside before that counts as the kernel's doing.
   */
  runInOrder(
    sequences: readonly (readonly Run[])[],
    slots: readonly Slot[],
    fill: (i: number) => void,
    patience = defaultPatience,
    attempts = 3,
  ): SequenceAnswer[] {
    this.#map(slots);
    sequences.forEach((_, i) => {
      fill(i);
    });
    const mapped = [...this.#mapped.values()];
    const answer = this.#request({ run: { runs: sequences.flat() } }, patience);
    if (answer.is === 'ran') {
      let at = 0;
      return sequences.map(({ length }) => {
        at += length;
        return { results: answer.results.slice(at - length, at) };
      });
    }
    if (!isDeath(answer)) throw new HostError(describe(answer));
    if (sequences.length > 1)
      return sequences.map((runs, i) => this.runInOrder([runs], slots, () => fill(i), patience)[0]);
    // SIGKILL comes from outside: from a person, or from a system out of memory. What draws it again is a finding.
    if (attempts > 1 && wasKilled(answer))
      return this.runInOrder(sequences, slots, fill, patience, attempts - 1);
    const struck = answer.is === 'crashed' ? locate(answer.address, mapped) : null;
    const { cpu } = this.#options;
    const unknown = cpu.is === 'emulated' && answer.is === 'crashed' && answer.signal === sigill;
    return [{ is: 'died', death: answer, struck, ...(unknown && { unknownTo: cpu.model }) }];
  }

  /**
   * Nanoseconds per call, one a sample.
   *
   * @throws HostError when the contender refuses the call or dies of it.
   */
  time(contender: Contender, call: Call, slots: readonly Slot[], clock: Clock): number[] {
    this.#map(slots);
    const answer = this.#request({ time: { contender, call, clock } }, 120_000);
    if (answer.is === 'timed') return answer.nanoseconds;
    throw new HostError(describe(answer));
  }

  /** The same kernels in a runner of its own. */
  another(): Host {
    return new Host(this.provider, this.#pool, this.#options);
  }

  /** Ends the runner. */
  close(): void {
    this.#runner?.close();
    this.#runner = null;
    this.#pool.offDrop(this.#forget);
    this.#mapped.clear();
    this.#forgotten.length = 0;
  }

  /**
   * Maps what is missing. No kernel runs in this, so a runner that is killed meanwhile is started again; as is one
   * that has no room left, where slots of other calls may be what fills it.
   */
  #map(slots: readonly Slot[], attempts = 3): void {
    const missing = slots.filter(slot => !this.#mapped.has(slot.id));
    if (missing.length === 0) return;
    this.#pool.onDrop(this.#forget);
    const answer = this.#request({
      map: {
        forget: this.#forgotten.splice(0),
        slots: missing.map(({ id, fileOffset, span, pages }) => ({
          slot: id,
          fileOffset,
          span,
          ...(pages && { pages }),
        })),
      },
    });
    if (attempts > 1 && (isDeath(answer) || (answer.is === 'refused' && this.#mapped.size > 0))) {
      this.close();
      this.#map(slots, attempts - 1);
      return;
    }
    if (answer.is !== 'mapped') throw new HostError(describe(answer));
    missing.forEach((slot, i) => {
      this.#mapped.set(slot.id, { slot, address: answer.addresses[i] });
    });
  }

  #request(request: Request, patience = 10_000): Response {
    this.#runner ??= this.#start();
    const milliseconds = patience * slownessOf(this.#options.cpu);
    const answer = JSON.parse(this.#runner.request(JSON.stringify(request), milliseconds)) as Response;
    if (isDeath(answer)) this.close();
    return answer;
  }

  #start(): Pick<Runner, 'request' | 'close'> {
    const { arena } = this.#pool;
    const { path } = this.provider;
    const { inProcess, cpu } = this.#options;
    if (isModule(path)) {
      return inProcess ? new JsRunner(path, arena) : Runner.isolated(arena, jsRunnerCommand(), path);
    }
    return inProcess ? Runner.inProcess(arena, path) : Runner.isolated(arena, runnerCommand(cpu), path);
  }
}

function locate(address: number, mapped: readonly { slot: Slot; address: number }[]): Struck | null {
  for (const { slot, address: start } of mapped) {
    const offset = address - start;
    if (offset >= -guardBytes && offset < slot.span * pageBytes + guardBytes) return { slot, offset };
  }
  return null;
}

function isDeath(answer: Response): answer is Death {
  return answer.is === 'crashed' || answer.is === 'hung' || answer.is === 'exited';
}

function wasKilled(death: Death): boolean {
  return death.is === 'crashed' && death.signal === sigkill;
}

/** An answer that was not expected, in words. */
function describe(answer: Response): string {
  if (isDeath(answer)) return describeDeath(answer);
  return answer.is === 'refused' ? answer.error : `an unexpected answer, ${answer.is}`;
}

/** A death in words. */
export function describeDeath(death: Death): string {
  if (death.is === 'hung') return `no answer in ${death.afterMilliseconds} ms`;
  const how = death.is === 'crashed' ? signalName(death.signal) : `exit code ${death.code}`;
  return death.words ? `${how}, last words: ${death.words}` : how;
}
