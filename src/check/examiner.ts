/**
 * Takes cases and examines kernels on them: the work of one thread of a check.
 */

import { createHash } from 'node:crypto';
import type { Suite } from '../../suites/suite.ts';
import { type Case, cellDtype, type Op, outputElements, outputsOf } from '../case/case.ts';
import { type FloatDtype, formats, isNaNBits } from '../case/dtype.ts';
import type { Cpu } from '../providers/cpu.ts';
import { defaultPatience, Host } from '../providers/host.ts';
import { type Kernel, kernelId, type LoadedProvider } from '../providers/provider.ts';
import { SlotPool } from '../providers/slots.ts';
import { type Again, askAgain } from './ask-again.ts';
import { type CellKey, count, type Evidence, noEvidence, type Sighting, weigh } from './evidence.ts';
import { type Examination, examine } from './examine.ts';
import { type Explained, explain, siblingsOf } from './explain/explain.ts';
import { type Drawn, drawCase, samplesOf } from './generate.ts';
import { Lab } from './lab.ts';
import type { OwnCases } from './own-cases.ts';
import { free, propertiesOf, suiteOf } from './properties.ts';
import type { Answer, Property } from './property.ts';
import { type Shrunk, shortPatience, shrink } from './shrink.ts';
import { type Asked, type Edge, Turns } from './turns.ts';

/** What to examine: the same for every examiner of a check. */
export interface Assignment {
  readonly providers: readonly LoadedProvider[];
  /** Ids of the kernels in question; all available. */
  readonly kernels: readonly string[];
  readonly dtypes: readonly FloatDtype[];
  readonly seed: number;
  /** Properties to ask of every case; null: those that are due. */
  readonly properties: readonly string[] | null;
  /** The user's own cases. */
  readonly own?: OwnCases;
  readonly inProcess: boolean;
  /** Where kernels run; absent: here. */
  readonly cpu?: Cpu;
}

/** Cases [from, to) of an op. */
export interface Unit {
  readonly op: Op;
  readonly from: number;
  readonly to: number;
  /** Kernels, and cells by their keys, that are not asked any more. */
  readonly closed: readonly string[];
  /** What was asked before its wave. */
  readonly asked: Asked;
}

/** What a unit showed. */
export interface UnitReport {
  readonly evidence: Record<CellKey, Evidence>;
  readonly sightings: Sighting[];
  /** Edge counts: dimension, edge, cases. */
  readonly edges: Record<string, Record<string, number>>;
  /** The edges that each case stands on, by number (explain/shares.ts). */
  readonly stands: Record<number, number[]>;
  readonly cases: number;
  readonly elements: number;
  readonly calls: number;
  /** What was asked in it. */
  readonly asked: Asked;
}

/** A breach to be made small. */
export interface ShrinkTask {
  readonly op: Op;
  readonly sighting: Sighting;
  /** Other cases of the sequence in which the cell breaks the same property. */
  readonly others: readonly number[];
}

export class Examiner {
  readonly #assignment: Assignment;
  readonly #lab: Lab;
  readonly #hosts = new Map<string, Host>();
  readonly #kernels: readonly Kernel[];
  readonly #samples = new Map<Suite, readonly unknown[]>();

  constructor(assignment: Assignment) {
    this.#assignment = assignment;
    const pool = new SlotPool();
    const { inProcess, cpu } = assignment;
    for (const provider of assignment.providers) {
      this.#hosts.set(provider.name, new Host(provider, pool, { inProcess, ...(cpu && { cpu }) }));
    }
    this.#lab = new Lab(pool, this.#hosts);
    const wanted = new Set(assignment.kernels);
    this.#kernels = assignment.providers
      .flatMap(provider => provider.kernels)
      .filter(k => wanted.has(kernelId(k)));
  }

  /** Where its cases meet kernels. */
  get lab(): Lab {
    return this.#lab;
  }

  /** Examines the kernels of an op on a stretch of the sequence. */
  examineUnit({ op, from, to, closed, asked }: Unit): UnitReport {
    const suite = suiteOf(op);
    const turns = new Turns(asked);
    const report: Omit<UnitReport, 'asked'> = {
      evidence: {},
      sightings: [],
      edges: {},
      stands: {},
      cases: 0,
      elements: 0,
      calls: 0,
    };
    const before = this.#lab.calls;
    const out = new Set(closed);
    let [cases, elements] = [0, 0];
    for (let k = from; k < to; k++) {
      const { case: c, plan } = this.#draw(suite, k);
      if (!this.#assignment.dtypes.includes(cellDtype(c) as FloatDtype)) continue;
      cases++;
      elements += outputElements(c);
      const edges = edgesOf(suite, c);
      report.stands[k] = countEdges(report.edges, suite, edges);
      for (const sighting of this.#examineCase(suite, c, k, out, report, turns, edges)) {
        report.sightings.push(plan === undefined ? { ...sighting, planless: true } : sighting);
        // A dead runner costs time: this kernel has shown enough.
        if (sighting.breach.fatal) out.add(sighting.kernel);
      }
    }
    return { ...report, cases, elements, calls: this.#lab.calls - before, asked: turns.here };
  }

  /** Makes a breach small, and finds out what it turns on. */
  shrink({ op, sighting, others }: ShrinkTask): Shrunk {
    const suite = suiteOf(op);
    const kernel = this.#kernels.find(candidate => kernelId(candidate) === sighting.kernel);
    if (!kernel) throw new Error(`no kernel ${sighting.kernel}`);
    const drawn = this.#draw(suite, sighting.k);
    const { property, fatal } = sighting.breach;
    try {
      const shrunk = shrink(drawn, sighting, (c, patience) => {
        this.#lab.clear();
        this.#lab.patience = patience;
        const answer = this.ask(kernel, c, property);
        return typeof answer === 'string' ? undefined : answer[0];
      });
      this.#lab.patience = fatal === 'hang' ? shortPatience : defaultPatience;
      const failed = fatal === 'hang' ? repeated : this.#failedAgain(kernel, shrunk.case, property);
      if (failed < repeated) {
        const message = `${shrunk.breach.message} (asked ${repeated} times again, it failed ${failed} times: it depends on what went before or beside it)`;
        return { ...shrunk, breach: { ...shrunk.breach, message }, explained: unsteady };
      }
      const explained = explain(kernel, shrunk, siblingsOf(kernel, this.#kernels), {
        build: plan => suite.build(plan),
        names: suite.fieldNames ?? {},
        samples: () => this.#samplesOf(suite),
        failing: () => others.flatMap(k => this.#draw(suite, k).plan ?? []),
        ask: (one, c) => this.ask(one, c, property),
        lab: this.#lab,
      });
      return { ...shrunk, explained };
    } finally {
      this.#lab.clear();
      this.#lab.patience = defaultPatience;
    }
  }

  /** How often a case fails of so many times that it is asked again. */
  #failedAgain(kernel: Kernel, c: Case, property: string): number {
    let failed = 0;
    for (let time = 0; time < repeated; time++) {
      this.#lab.clear();
      if (typeof this.ask(kernel, c, property) !== 'string') failed++;
    }
    return failed;
  }

  /** Asks a property of a case that failed once. */
  again(id: string, c: Case, property: string): Again {
    const kernel = this.#kernels.find(candidate => kernelId(candidate) === id);
    if (!kernel) throw new Error(`no kernel ${id}`);
    const again = askAgain(this, kernel, c, property);
    this.#lab.clear();
    return again;
  }

  /** Asks one property of one case. */
  ask(kernel: Kernel, c: Case, property: string): Answer {
    const asked = propertiesOf(c.op).find(candidate => candidate.name === property);
    if (asked) {
      return asked.ask({ kernel, case: c, lab: this.#lab, peers: this.#kernels, together: [kernel] });
    }
    const { breaches, answered } = this.examine(kernel, c);
    const broken = breaches.filter(breach => breach.property === property);
    if (broken.length > 0) return broken;
    return answered.some(name => name === property) ? 'held' : 'does not apply';
  }

  /** Examines one run. */
  examine(kernel: Kernel, c: Case): Examination {
    return examine(this.#lab, kernel, c);
  }

  /** SHA-256 over a kernel's outputs on fixed cases, every NaN one value; null where it did none. */
  digest(id: string, dtype: FloatDtype): string | null {
    const kernel = this.#kernels.find(candidate => kernelId(candidate) === id);
    if (!kernel) return null;
    const suite = suiteOf(kernel.op);
    const sum = createHash('sha256');
    let done = 0;
    for (let k = 0; k < digestCases; k++) {
      const c = drawCase(suite, digestSeed, k).case;
      if (cellDtype(c) !== dtype) continue;
      const outcome = this.#lab.run(kernel, c);
      if (outcome.is === 'ok') {
        done++;
        for (const role of outputsOf(c)) {
          const bits = outcome.outputs[role];
          sum.update(bits.map(word => (isNaNBits(word, dtype) ? formats[dtype].nan : word)));
        }
      }
      this.#lab.clear();
    }
    return done > 0 ? sum.digest('hex') : null;
  }

  /** Ends all runners. */
  close(): void {
    for (const host of this.#hosts.values()) host.close();
  }

  #draw(suite: Suite, k: number): Drawn {
    return drawCase(suite, this.#assignment.seed, k, this.#ownOf(suite));
  }

  /** Plans of a suite, the same for every finding: they show what values its fields take. */
  #samplesOf(suite: Suite): readonly unknown[] {
    const known = this.#samples.get(suite) ?? samplesOf(suite);
    this.#samples.set(suite, known);
    return known;
  }

  #ownOf({ op }: Suite): readonly Case[] {
    return this.#assignment.own?.[op] ?? [];
  }

  #examineCase(
    suite: Suite,
    c: Case,
    k: number,
    closed: ReadonlySet<string>,
    report: Pick<UnitReport, 'evidence'>,
    turns: Turns,
    edges: readonly Edge[],
  ): Sighting[] {
    const dtype = cellDtype(c) as FloatDtype;
    const sightings: Sighting[] = [];
    const isOpen = (id: string) => !closed.has(id) && !closed.has(`${id}#${dtype}`);
    const alive = this.#kernels.filter(kernel => kernel.op === suite.op && isOpen(kernelId(kernel)));
    const sound: Kernel[] = [];
    this.#lab.runAll(alive, c);
    for (const kernel of alive) {
      const id = kernelId(kernel);
      report.evidence[`${id}#${dtype}`] ??= noEvidence();
      const evidence = report.evidence[`${id}#${dtype}`];
      const { outcome, breaches, judgements, answered } = this.examine(kernel, c);
      evidence.asked++;
      if (outcome.is !== 'unsupported') {
        evidence.supported++;
        evidence.cases++;
      }
      weigh(evidence, judgements, k);
      // A kernel that declines has executed nothing; its library may still tell of an earlier run.
      if (outcome.is === 'ok' && outcome.executed && !evidence.executed.includes(outcome.executed)) {
        evidence.executed.push(outcome.executed);
      }
      const broken = new Set(breaches.map(breach => breach.property));
      for (const name of answered) count(evidence, name, !broken.has(name), k);
      for (const breach of breaches) sightings.push({ kernel: id, dtype, k, breach });
      if (breaches.length === 0 && outcome.is === 'ok') sound.push(kernel);
    }
    // There are few of a user's own cases, and each is meant.
    const askAll = this.#assignment.properties !== null || k < this.#ownOf(suite).length;
    const most = suite.cost(c) > costly ? 1 : Math.max(1, Math.floor(asksShared / sound.length));
    let asks = 0;
    turns.see(edges);
    for (const property of this.#propertiesFor(suite, dtype, k, turns, edges, most)) {
      let applied = false;
      for (const kernel of sound) {
        const id = kernelId(kernel);
        if (sightings.some(sighting => sighting.kernel === id && sighting.breach.fatal)) continue;
        const answer = property.ask({ kernel, case: c, lab: this.#lab, peers: sound, together: sound });
        if (answer === 'does not apply') continue;
        applied = true;
        count(report.evidence[`${id}#${dtype}`], property.name, answer === 'held', k);
        if (answer !== 'held') for (const breach of answer) sightings.push({ kernel: id, dtype, k, breach });
      }
      if (!applied || free.includes(property)) continue;
      turns.count(dtype, property, edges);
      if (++asks >= most && !askAll) break;
    }
    this.#lab.clear();
    return sightings;
  }

  /** What costs no run is always asked; of the others, those first that are due. */
  #propertiesFor(
    suite: Suite,
    dtype: FloatDtype,
    k: number,
    turns: Turns,
    edges: readonly Edge[],
    most: number,
  ): readonly Property[] {
    const { properties } = this.#assignment;
    if (properties) return propertiesOf(suite.op).filter(property => properties.includes(property.name));
    const others = propertiesOf(suite.op).filter(property => !free.includes(property));
    return [...free, ...turns.order(others, dtype, k, edges, most)];
  }
}

/**
 * Properties that are asked of a case, beside those that every run is examined for, shared by its kernels: where
 * there are few, making the case and its reference costs more than asking.
 */
const asksShared = 4;
/** Cases that cost more than this are asked one of these: what it would take is better spent on more cases. */
const costly = 1 << 18;

/** How often the smallest case is asked again: what does not fail each time can't be explained by changing it. */
const repeated = 3;
const unsteady = { attempts: 0, fields: [], thresholds: [], tiers: [] } as const satisfies Explained;

/** The fixed cases that digests go over. */
const digestSeed = 1;
const digestCases = 48;

/** The edges that a case stands on. */
function edgesOf(suite: Suite, c: Case): Edge[] {
  return suite.dimensions.flatMap(({ name, of }) => of(c).map(edge => ({ dimension: name, edge })));
}

/** Counts the edges that a case stands on. Returns their numbers. */
function countEdges(counts: UnitReport['edges'], suite: Suite, edges: readonly Edge[]): number[] {
  for (const { name } of suite.dimensions) counts[name] ??= {};
  const numbers = numbersOf(suite);
  return edges.map(({ dimension, edge }) => {
    counts[dimension][edge] = (counts[dimension][edge] ?? 0) + 1;
    return numbers.get(`${dimension}: ${edge}`)!;
  });
}

const edgeNumbers = new WeakMap<Suite, ReadonlyMap<string, number>>();

/** The number of each edge of a suite, in the order of its dimensions. */
function numbersOf(suite: Suite): ReadonlyMap<string, number> {
  const known = edgeNumbers.get(suite);
  if (known) return known;
  const all = suite.dimensions.flatMap(({ name, edges }) => edges.map(edge => `${name}: ${edge}`));
  const numbers = new Map(all.map((edge, number) => [edge, number]));
  edgeNumbers.set(suite, numbers);
  return numbers;
}
