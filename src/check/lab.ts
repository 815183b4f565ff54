/**
 * Where one case meets kernels: makes its bytes once, runs kernels on them, and keeps what they wrote and
 * what they touched. Everything is kept until the lab is cleared, so that properties share runs.
 */

import type { Expected } from '../../reference/expected.ts';
import { expectedOf } from '../../reference/index.ts';
import { type Case, countOf, inputsOf, outputsOf, sameShape } from '../case/case.ts';
import type { Bits } from '../case/dtype.ts';
import { Memory } from '../case/layout.ts';
import type { Manner as CaseManner } from '../case/manner.ts';
import { type Materialised, materialise, remembering } from '../case/materialise.ts';
import type { Numerics } from '../case/numerics.ts';
import { type Answer, defaultPatience, describeDeath, type Host } from '../providers/host.ts';
import { type Call, type Copied, type Run, type RunResult, status } from '../providers/protocol.ts';
import { type Kernel, kernelId } from '../providers/provider.ts';
import type { Slot, SlotPool } from '../providers/slots.ts';
import { sampleRows } from './sample.ts';

/** What came of running a kernel on a case. */
export type Outcome =
  | {
      readonly is: 'ok';
      readonly outputs: Readonly<Record<string, Bits>>;
      readonly executed: string | null;
      readonly trespasses: readonly string[];
      /** Bytes of scratch that the kernel asked for. */
      readonly scratchBytes: number;
      /** Where the call was repeated: the repetition that left something else; the outputs are its. */
      readonly differed?: number;
      /** What came of the call that another thread made meanwhile. */
      readonly beside?: Outcome;
    }
  | {
      readonly is: 'unsupported' | 'invalid';
      readonly executed: string | null;
      readonly trespasses: readonly string[];
    }
  /** The kernel took the process with it, or never came back. */
  | {
      readonly is: 'died';
      readonly how: 'crash' | 'hang';
      readonly message: string;
      /** Set where an emulated CPU does not know an instruction: its name. */
      readonly unknownTo?: string;
    }
  /** The answer makes no sense: an unknown status, an absurd scratch size. */
  | { readonly is: 'nonsense'; readonly message: string };

/** How a case's call is made: what must not matter to its result. */
export interface Staging {
  readonly manner: CaseManner;
  /** Calls that the kernel makes before, in the same process. */
  readonly before?: readonly Case[];
  /** A call that it makes before in the case's own memory: a case that lies as this one does. */
  readonly inItsPlace?: Case;
  /** A call that it makes at the same time, on another thread. */
  readonly beside?: Case;
  /** In a process that is started for it. */
  readonly anew?: boolean;
}

/** A case standing in slots, for one call. */
interface Bench {
  readonly made: Materialised;
  readonly slots: Readonly<Record<string, Slot>>;
  /** The slots' bytes, addressed like the buffers. */
  readonly live: Readonly<Record<string, Memory>>;
  readonly call: Call;
}

export class Lab {
  readonly pool: SlotPool;
  readonly #hosts: ReadonlyMap<string, Host>;
  /** Hosts for what is done in a process of its own, by provider name. */
  readonly #others = new Map<string, Host>();
  readonly #made = new Map<Case, Materialised>();
  /** The elements of all cases that it has made. */
  #values = remembering();
  readonly #benches = new Map<Case, Bench[]>();
  readonly #outcomes = new Map<Case, Map<string, Outcome>>();
  readonly #staged = new Map<Staging, Map<string, Outcome>>();
  readonly #expected = new Map<Case, Map<Numerics, Expected[]>>();
  /** Milliseconds before a runner counts as hung. */
  patience = defaultPatience;
  /** Calls of kernels so far. */
  calls = 0;

  /** @param hosts - by provider name, all on `pool`. */
  constructor(pool: SlotPool, hosts: ReadonlyMap<string, Host>) {
    this.pool = pool;
    this.#hosts = hosts;
  }

  /** Whether a kernel runs on an emulated CPU. */
  isEmulated(kernel: Kernel): boolean {
    return this.#hostOf(kernel).isEmulated;
  }

  /** The bytes of a case before any call. */
  made(c: Case): Materialised {
    const known = this.#made.get(c);
    if (known) return known;
    const made = materialise(c, undefined, this.#values);
    this.#made.set(c, made);
    return made;
  }

  /** What each output of a case may be, from kernels of one class: all rows of a small case, a sample of a large one's. */
  expected(c: Case, numerics: Numerics): Expected[] {
    const byClass = this.#expected.get(c) ?? this.#expectedAlike(c) ?? new Map<Numerics, Expected[]>();
    this.#expected.set(c, byClass);
    const expected = byClass.get(numerics) ?? expectedOf(c, this.made(c).inputs, sampleRows(c), numerics);
    byClass.set(numerics, expected);
    return expected;
  }

  /** What is known of a case that asks for the same, of the same numbers: only how it lies is another. */
  #expectedAlike(c: Case): Map<Numerics, Expected[]> | undefined {
    const { inputs } = this.made(c);
    for (const [other, byClass] of this.#expected) {
      if (other.params === c.params && asksTheSame(other, c) && sameInputs(this.made(other).inputs, inputs))
        return byClass;
    }
    return undefined;
  }

  /** What comes of a kernel on a case. */
  run(kernel: Kernel, c: Case): Outcome {
    return this.runAll([kernel], c)[0];
  }

  /** What comes of each kernel on a case: run now, where it was not before. */
  runAll(kernels: readonly Kernel[], c: Case): Outcome[] {
    const outcomes = this.#outcomes.get(c) ?? new Map<string, Outcome>();
    this.#outcomes.set(c, outcomes);
    const missing = kernels.filter(kernel => !outcomes.has(kernelId(kernel)));
    const room = roomFor(this.made(c), missing.length);
    for (let i = 0; i < missing.length; i += room) {
      for (const group of byProvider(missing.slice(i, i + room))) {
        this.#runTogether(group, c).forEach((outcome, j) => {
          outcomes.set(kernelId(group[j]), outcome);
        });
      }
    }
    return kernels.map(kernel => outcomes.get(kernelId(kernel))!);
  }

  /** What comes of a kernel on a case that is staged: of each in `together`, where they were not asked before. */
  staged(kernel: Kernel, c: Case, staging: Staging, together: readonly Kernel[]): Outcome {
    const outcomes = this.#staged.get(staging) ?? new Map<string, Outcome>();
    this.#staged.set(staging, outcomes);
    if (!outcomes.has(kernelId(kernel))) {
      const others = roomFor(this.made(c), together.length) < together.length ? [kernel] : together;
      const missing = others.filter(each => each === kernel || !outcomes.has(kernelId(each)));
      for (const group of byProvider(missing)) {
        this.#stageTogether(group, c, staging).forEach((outcome, j) => {
          outcomes.set(kernelId(group[j]), outcome);
        });
      }
    }
    return outcomes.get(kernelId(kernel))!;
  }

  /** Forgets all cases and gives their slots back. */
  clear(): void {
    for (const benches of this.#benches.values()) {
      for (const { slots } of benches) for (const slot of Object.values(slots)) this.pool.release(slot);
    }
    this.#benches.clear();
    this.#outcomes.clear();
    this.#staged.clear();
    this.#expected.clear();
    this.#made.clear();
    this.#values = remembering();
  }

  #hostOf(kernel: Kernel): Host {
    const host = this.#hosts.get(kernel.provider);
    if (!host) throw new Error(`no host for ${kernel.provider}`);
    return host;
  }

  #anotherOf(host: Host): Host {
    const other = this.#others.get(host.provider.name) ?? host.another();
    this.#others.set(host.provider.name, other);
    return other;
  }

  #runTogether(kernels: readonly Kernel[], c: Case): Outcome[] {
    const host = this.#hostOf(kernels[0]);
    const benches = this.#benchesFor(c, kernels.length);
    const fill = (i: number): void => stand(benches[i]);
    this.calls += kernels.length;
    const runs = kernels.map(({ index }, i) => ({ kernel: index, call: benches[i].call }));
    const slots = benches.flatMap(bench => Object.values(bench.slots));
    return host.run(runs, slots, fill, this.patience).map((answer, i) => {
      // A machine that stood still for a moment is no hang. (Where patience is short on purpose, speed counts.)
      const doubtful = answer.is === 'died' && answer.death.is === 'hung' && this.patience >= defaultPatience;
      const sure = doubtful ? host.run([runs[i]], slots, () => fill(i), longPatience)[0] : answer;
      return this.#outcome(benches[i], sure);
    });
  }

  #stageTogether(kernels: readonly Kernel[], c: Case, staging: Staging): Outcome[] {
    const { manner, before = [], inItsPlace, beside, anew } = staging;
    const count = kernels.length;
    // Where another call comes first, it is where the case itself has not been: on benches of their own.
    const [benches, spare] = inItsPlace
      ? [this.#benchesFor(c, 2 * count).slice(count), this.#benchesFor(c, 3 * count).slice(2 * count)]
      : [this.#benchesFor(c, count), []];
    const others = before.map(other => this.#benchesFor(other, count));
    const earlier = inItsPlace && this.#benchesFor(inItsPlace, count);
    const companions = beside && this.#benchesFor(beside, count);
    const sequences = kernels.map(({ index }, i): Run[] => {
      const call = benches[i].call;
      const runs: Run[] = others.map(bench => ({ kernel: index, call: bench[i].call }));
      if (earlier) {
        const from = { copies: copiesBetween(earlier[i], benches[i]) };
        runs.push({ kernel: index, call: { ...earlier[i].call, tensors: call.tensors }, manner: from });
      }
      // What the call before it left in outputs stays there.
      const copies = earlier && { copies: copiesBetween(spare[i], benches[i], inputBuffers(c)) };
      const besides = companions && { beside: { kernel: index, call: companions[i].call } };
      return [...runs, { kernel: index, call, manner: { ...manner, ...copies, ...besides } }];
    });
    const all = [
      benches,
      spare,
      ...others,
      ...(earlier ? [earlier] : []),
      ...(companions ? [companions] : []),
    ];
    const fill = (i: number): void => {
      for (const each of all) if (each.length > 0) stand(each[i]);
    };
    const slots = all.flat().flatMap(bench => Object.values(bench.slots));
    this.calls += sequences.flat().length;
    const running = this.#hostOf(kernels[0]);
    const host = anew ? this.#anotherOf(running) : running;
    const patience = this.patience < defaultPatience ? this.patience : longPatience;
    try {
      return host.runInOrder(sequences, slots, fill, patience).map((answer, i) => {
        if (!('results' in answer)) return this.#outcome(benches[i], answer);
        const last = answer.results.at(-1)!;
        const outcome = this.#outcome(benches[i], last);
        if (outcome.is !== 'ok' || last.is !== 'returned') return outcome;
        return {
          ...outcome,
          ...(last.differed !== null && { differed: last.differed }),
          ...(last.beside && companions && { beside: this.#besides(companions[i], last.beside) }),
        };
      });
    } finally {
      if (anew) host.close();
    }
  }

  #besides(bench: Bench, answer: RunResult): Outcome {
    const outcome = this.#outcome(bench, answer);
    if (outcome.is !== 'ok' || answer.is !== 'returned' || answer.differed === null) return outcome;
    return { ...outcome, differed: answer.differed };
  }

  #benchesFor(c: Case, count: number): Bench[] {
    const made = this.made(c);
    const benches = this.#benches.get(c) ?? [];
    this.#benches.set(c, benches);
    while (benches.length < count) {
      const slots: Record<string, Slot> = {};
      const live: Record<string, Memory> = {};
      for (const [name, { region }] of Object.entries(made.buffers)) {
        slots[name] = this.pool.take(region);
        live[name] = new Memory(slots[name].bytes, region);
      }
      benches.push({ made, slots, live, call: callOf(c, made, slots) });
    }
    return benches.slice(0, count);
  }

  #outcome(bench: Bench, answer: Answer): Outcome {
    if (answer.is === 'refused') return { is: 'nonsense', message: answer.error };
    if (answer.is === 'died') {
      const how = answer.death.is === 'hung' ? 'hang' : 'crash';
      const message = `${describeDeath(answer.death)}${whereStruck(bench, answer)}`;
      return { is: 'died', how, message, ...(answer.unknownTo && { unknownTo: answer.unknownTo }) };
    }
    const { executed } = answer;
    const trespasses = answer.disturbed.map(what => `the kernel left the thread's state changed: ${what}`);
    if (answer.scratchOverrun) trespasses.push('the kernel wrote beyond the scratch that it had asked for');
    switch (answer.status) {
      case status.ok: {
        const outputs: Record<string, Bits> = {};
        for (const role of outputsOf(bench.made.case)) outputs[role] = readOutput(bench, role);
        const { scratchBytes } = answer;
        return {
          is: 'ok',
          outputs,
          executed,
          scratchBytes,
          trespasses: [...trespasses, ...strayWrites(bench, true)],
        };
      }
      case status.unsupported:
      case status.invalid: {
        const is = answer.status === status.unsupported ? 'unsupported' : 'invalid';
        return { is, executed, trespasses: [...trespasses, ...strayWrites(bench, false)] };
      }
      default:
        return { is: 'nonsense', message: `run returned ${answer.status}, which is no status` };
    }
  }
}

/** Writes a case's bytes where it stands. */
function stand({ made, live }: Bench): void {
  for (const [name, memory] of Object.entries(made.buffers)) live[name].bytes.set(memory.bytes);
}

/** The copies that lay one case's bytes where another one stands, which lies as it does. */
function copiesBetween(from: Bench, to: Bench, names = Object.keys(to.slots)): Copied[] {
  return names.map(name => ({ from: from.slots[name].id, to: to.slots[name].id }));
}

/** Buffers in which an input stands. */
function inputBuffers(c: Case): string[] {
  const names = inputsOf(c).map(role => c.tensors[role].buffer);
  return [...new Set(names)].filter(name => name !== null);
}

/** Whether the tensors of two cases are alike but for where they lie. */
function asksTheSame(a: Case, b: Case): boolean {
  const roles = Object.keys(a.tensors);
  if (roles.length !== Object.keys(b.tensors).length) return false;
  return roles.every(role => {
    const [mine, theirs] = [a.tensors[role], b.tensors[role]];
    return theirs?.dtype === mine.dtype && sameShape(theirs.shape, mine.shape);
  });
}

/** Whether inputs are the very same: made once, not equal by chance. */
function sameInputs(a: Materialised['inputs'], b: Materialised['inputs']): boolean {
  return Object.keys(a).length === Object.keys(b).length && Object.keys(a).every(role => a[role] === b[role]);
}

/** Milliseconds for a kernel that has once taken too long. */
const longPatience = 4000;

/** Cases of more bytes than this are run one kernel after the other, on the same slots. */
const largeCase = 1 << 22;
/** Pages of address space that a case may take for all kernels: a process has 2^35 of them, for many cases. */
const mostPages = 2 ** 29;

/** How many of some kernels a case is run with at once, each on memory of its own. */
function roomFor({ buffers }: Materialised, kernels: number): number {
  const memories = Object.values(buffers);
  const sum = (of: (memory: Memory) => number) => memories.reduce((total, memory) => total + of(memory), 0);
  if (sum(({ bytes }) => bytes.length) > largeCase) return 1;
  return Math.max(1, Math.min(kernels, Math.floor(mostPages / sum(({ region }) => region.span))));
}

function byProvider(kernels: readonly Kernel[]): Kernel[][] {
  const groups = new Map<string, Kernel[]>();
  for (const kernel of kernels) groups.set(kernel.provider, [...(groups.get(kernel.provider) ?? []), kernel]);
  return [...groups.values()];
}

/** A case's call, its buffers resolved to slots. */
export function callOf(c: Case, made: Materialised, slots: Readonly<Record<string, Slot>>): Call {
  const tensors: Call['tensors'] = {};
  for (const [role, { buffer, offset, shape, strides, dtype }] of Object.entries(c.tensors)) {
    const view = { shape, strides, dtype };
    tensors[role] =
      buffer === null
        ? { offset: 0, ...view }
        : { slot: slots[buffer].id, offset: made.buffers[buffer].region.base + offset, ...view };
  }
  return { args: { op: c.op, params: c.params }, threads: c.threads, tensors, ...(c.lie && { lie: c.lie }) };
}

function readOutput(bench: Bench, role: string): Bits {
  const tensor = bench.made.case.tensors[role];
  return tensor.buffer === null
    ? new Uint32Array(countOf(tensor.shape))
    : bench.live[tensor.buffer].gather(tensor);
}

/** What was written that must not be; outputs may, where `outputsWritten`. Leaves `live` as it was made, but for strays. */
function strayWrites(bench: Bench, outputsWritten: boolean): string[] {
  const { made, live } = bench;
  if (outputsWritten) {
    for (const [role, bits] of Object.entries(made.prefill)) {
      const tensor = made.case.tensors[role];
      if (tensor.buffer !== null) live[tensor.buffer].scatter(tensor, bits);
    }
  }
  const strays: string[] = [];
  for (const [name, memory] of Object.entries(made.buffers)) {
    if (Buffer.compare(memory.bytes, live[name].bytes) === 0) continue;
    const at = memory.bytes.findIndex((byte, i) => byte !== live[name].bytes[i]);
    strays.push(`wrote where it must not: ${placeOf(bench, name, memory.byteAt(at))}`);
  }
  return strays;
}

/** A byte of a buffer in words: which tensors stand there, and how far from their elements it is. */
function placeOf({ made }: Bench, buffer: string, byte: number): string {
  const roles = Object.entries(made.case.tensors)
    .filter(([, tensor]) => tensor.buffer === buffer)
    .map(([role]) => role)
    .join(', ');
  const { bytes } = made.case.buffers[buffer];
  if (byte < 0) return `${-byte} bytes before the memory of ${roles}`;
  if (byte >= bytes) return `${byte - bytes} bytes past the end of the memory of ${roles} (${bytes} bytes)`;
  return `byte ${byte} of the ${bytes} bytes of ${roles}`;
}

/** Signals that a bad access raises: SIGBUS, SIGSEGV. */
const accessSignals: ReadonlySet<number> = new Set([7, 11]);

function whereStruck(bench: Bench, answer: Extract<Answer, { is: 'died' }>): string {
  const { death, struck } = answer;
  // The address of an illegal instruction says nothing: libraries are loaded elsewhere each time.
  if (death.is !== 'crashed' || !accessSignals.has(death.signal)) return '';
  const what = death.write === null ? 'at' : death.write ? 'writing' : 'reading';
  const name = struck && Object.keys(bench.slots).find(key => bench.slots[key].id === struck.slot.id);
  if (!struck || !name) return death.address ? `, ${what} address 0x${death.address.toString(16)}` : '';
  return `, ${what} ${placeOf(bench, name, struck.offset - bench.made.buffers[name].region.base)}`;
}
