/**
 * Where one case meets kernels: makes its bytes once, runs kernels on them, and keeps what they wrote and
 * what they touched. Everything is kept until the lab is cleared, so that properties share runs.
 */

import type { Expected } from '../../reference/expected.ts';
import { expectedOf } from '../../reference/index.ts';
import { type Case, countOf, outputsOf } from '../case/case.ts';
import type { Bits } from '../case/dtype.ts';
import { Memory } from '../case/layout.ts';
import { type Materialised, materialise } from '../case/materialise.ts';
import type { Numerics } from '../case/numerics.ts';
import { type Answer, defaultPatience, describeDeath, type Host } from '../providers/host.ts';
import { type Call, status } from '../providers/protocol.ts';
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
    }
  | {
      readonly is: 'unsupported' | 'invalid';
      readonly executed: string | null;
      readonly trespasses: readonly string[];
    }
  /** The kernel took the process with it, or never came back. */
  | { readonly is: 'died'; readonly how: 'crash' | 'hang'; readonly message: string }
  /** The answer makes no sense: an unknown status, an absurd scratch size. */
  | { readonly is: 'nonsense'; readonly message: string };

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
  readonly #made = new Map<Case, Materialised>();
  readonly #benches = new Map<Case, Bench[]>();
  readonly #outcomes = new Map<Case, Map<string, Outcome>>();
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

  /** The bytes of a case before any call. */
  made(c: Case): Materialised {
    const known = this.#made.get(c);
    if (known) return known;
    const made = materialise(c);
    this.#made.set(c, made);
    return made;
  }

  /** What each output of a case may be, from kernels of one class: all rows of a small case, a sample of a large one's. */
  expected(c: Case, numerics: Numerics): Expected[] {
    const byClass = this.#expected.get(c) ?? new Map<Numerics, Expected[]>();
    this.#expected.set(c, byClass);
    const expected = byClass.get(numerics) ?? expectedOf(c, this.made(c).inputs, sampleRows(c), numerics);
    byClass.set(numerics, expected);
    return expected;
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
    const room = residentBytesOf(this.made(c)) > largeCase ? 1 : missing.length;
    for (let i = 0; i < missing.length; i += room) {
      for (const group of byProvider(missing.slice(i, i + room))) {
        this.#runTogether(group, c).forEach((outcome, j) => {
          outcomes.set(kernelId(group[j]), outcome);
        });
      }
    }
    return kernels.map(kernel => outcomes.get(kernelId(kernel))!);
  }

  /** Forgets all cases and gives their slots back. */
  clear(): void {
    for (const benches of this.#benches.values()) {
      for (const { slots } of benches) for (const slot of Object.values(slots)) this.pool.release(slot);
    }
    this.#benches.clear();
    this.#outcomes.clear();
    this.#expected.clear();
    this.#made.clear();
  }

  #runTogether(kernels: readonly Kernel[], c: Case): Outcome[] {
    const host = this.#hosts.get(kernels[0].provider);
    if (!host) throw new Error(`no host for ${kernels[0].provider}`);
    const benches = this.#benchesFor(c, kernels.length);
    const fill = (i: number): void => {
      const { made, live } = benches[i];
      for (const [name, memory] of Object.entries(made.buffers)) live[name].bytes.set(memory.bytes);
    };
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
      return { is: 'died', how, message: `${describeDeath(answer.death)}${whereStruck(bench, answer)}` };
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

/** Milliseconds for a kernel that has once taken too long. */
const longPatience = 4000;

/** Cases of more bytes than this are run one kernel after the other, on the same slots. */
const largeCase = 1 << 22;

function residentBytesOf(made: Materialised): number {
  return Object.values(made.buffers).reduce((sum, memory) => sum + memory.bytes.length, 0);
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
