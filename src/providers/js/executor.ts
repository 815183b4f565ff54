/**
 * Carries out requests on one module of kernels: what crates/exec does for libraries with the C interface. Tensors
 * are typed arrays on the arena's own pages, so nothing is copied.
 */

import type { Arena } from '#addon';
import { countOf } from '../../case/case.ts';
import { sizeOf } from '../../case/dtype.ts';
import { extentOf, pageBytes } from '../../case/layout.ts';
import {
  type Call,
  type CallTensor,
  type Clock,
  type Contender,
  type Request,
  type Response,
  type Run,
  type RunResult,
  type SlotPages,
  status,
} from '../protocol.ts';
import type { Imported } from './import.ts';
import type { Args, Tensor } from './kernel.ts';
import type { JsLibrary } from './library.ts';
import { Snapshot } from './snapshot.ts';

/** Node's interface for add-ons makes no typed arrays over more bytes than this. */
const mostBytes = 2 ** 32;

/** A call on memory that JavaScript can't reach. */
class TooLong extends Error {}

export class JsExecutor {
  readonly #library: JsLibrary;
  /** Files that the module was loaded from. */
  readonly #files: readonly string[];
  readonly #arena: Arena;
  /** null: too long. */
  readonly #slots = new Map<number, ArrayBuffer | null>();

  constructor({ library, files }: Imported, arena: Arena) {
    this.#library = library;
    this.#files = files;
    this.#arena = arena;
  }

  /** Does what is asked; whatever is wrong with it becomes `refused`. */
  handle(request: Request): Response {
    try {
      return this.#carryOut(request);
    } catch (error) {
      return { is: 'refused', error: told(error) };
    }
  }

  #carryOut(request: Request): Response {
    if (request === 'table') {
      const { name, version, rows } = this.#library;
      return { is: 'table', name, version, kernels: [...rows], files: [...this.#files] };
    }
    if ('available' in request) {
      return { is: 'available', available: this.#library.rows[request.available.kernel].available };
    }
    if ('map' in request) {
      for (const slot of request.map.forget) this.#slots.delete(slot);
      for (const slot of request.map.slots) this.#map(slot);
      // Typed arrays have no address that a fault could name.
      return { is: 'mapped', addresses: request.map.slots.map(() => 0) };
    }
    if ('run' in request) {
      return { is: 'ran', results: request.run.runs.map(run => this.#run(run)) };
    }
    const { contender, call, clock } = request.time;
    return { is: 'timed', nanoseconds: time(this.#timed(contender, call), clock) };
  }

  #map({ slot, fileOffset, span, pages }: SlotPages): void {
    const memory =
      span * pageBytes > mostBytes ? null : this.#arena.map(fileOffset, span, pages && [...pages]);
    this.#slots.set(slot, memory);
  }

  /** Of a manner, what there is in JavaScript: copies and repetitions. */
  #run({ kernel, call, manner }: Run): RunResult {
    for (const { from, to } of manner?.copies ?? []) {
      new Uint8Array(this.#memory(to)).set(new Uint8Array(this.#memory(from)));
    }
    if (!manner?.again) return this.#once(kernel, call);
    const areas = Object.values(call.tensors).flatMap(({ slot, dtype }) =>
      slot === undefined ? [] : [{ memory: this.#memory(slot), dtype }],
    );
    const before = new Snapshot(areas);
    const first = this.#once(kernel, call);
    const after = new Snapshot(areas);
    for (let time = 1; time <= manner.again && first.is === 'returned'; time++) {
      before.restore();
      const next = this.#once(kernel, call);
      if (next.is !== 'returned') return next;
      if (next.status !== first.status || !after.holds()) return { ...first, differed: time };
    }
    return first;
  }

  #once(kernel: number, call: Call): RunResult {
    let answer: unknown;
    try {
      answer = this.#kernel(kernel)(this.#args(call));
    } catch (error) {
      // Legal, and nothing that a kernel of typed arrays could do.
      if (error instanceof TooLong) return returned(status.unsupported);
      return { is: 'refused', error: `the kernel threw ${told(error)}` };
    }
    if (typeof answer === 'string' && Object.hasOwn(status, answer)) {
      return returned(status[answer as keyof typeof status]);
    }
    return { is: 'refused', error: `run returned ${shown(answer)}, which is no status` };
  }

  #memory(slot: number): ArrayBuffer {
    const memory = this.#slots.get(slot);
    if (memory === undefined) throw new Error(`no slot ${slot}`);
    if (memory === null) throw new TooLong();
    return memory;
  }

  #kernel(index: number): (args: Args) => unknown {
    const run = this.#library.run.at(index);
    if (!run) throw new Error(`no kernel ${index} of ${this.#library.run.length}`);
    return run;
  }

  #args({ args: { params }, threads, lie, tensors }: Call): Args {
    const views = Object.entries(tensors).map(([role, tensor]) => [role, this.#view(tensor)]);
    return Object.freeze({
      ...params,
      ...(lie?.nan && { [lie.nan]: Number.NaN }),
      threads,
      ...Object.fromEntries(views),
    });
  }

  #view({ slot, offset, shape, strides, dtype }: CallTensor): Tensor {
    const view = { dtype, shape: Object.freeze([...shape]), strides: Object.freeze([...strides]) };
    const length = countOf(shape) > 0 ? extentOf(view) / sizeOf(dtype) : 0;
    const on = { f32: Float32Array, f16: Uint16Array, bf16: Uint16Array, i32: Int32Array }[dtype];
    if (slot === undefined || length === 0) return Object.freeze({ ...view, data: new on(0) });
    return Object.freeze({ ...view, data: new on(this.#memory(slot), offset, length) });
  }

  /** The call that goes on the clock. */
  #timed(contender: Contender, call: Call): () => unknown {
    if (typeof contender !== 'object' || !('kernel' in contender)) {
      throw new Error('this runner has no roofs');
    }
    const run = this.#kernel(contender.kernel);
    const args = this.#args(call);
    return () => {
      const answer = run(args);
      if (answer !== 'ok') throw new Error(`the kernel answers ${shown(answer)} to the timed call`);
    };
  }
}

function returned(status: number): RunResult {
  return {
    is: 'returned',
    status,
    executed: null,
    disturbed: [],
    scratchBytes: 0,
    scratchOverrun: false,
    differed: null,
    beside: null,
  };
}

/** Nanoseconds per call, one a sample. This clock never goes backwards. */
function time(call: () => unknown, { before, calls, samples }: Clock): number[] {
  for (let i = 0; i < before; i++) call();
  return Array.from({ length: samples }, () => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) call();
    return Number(process.hrtime.bigint() - start) / calls;
  });
}

/** What was thrown, and where, in one line. */
function told(error: unknown): string {
  if (!(error instanceof Error)) return shown(error);
  const place = error.stack?.split('\n').find(line => /^\s+at /.test(line));
  return `${error.name}: ${error.message}${place ? ` (${place.trim()})` : ''}`;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : String(value);
}
