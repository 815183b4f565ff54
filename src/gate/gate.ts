/**
 * The gate: whether a run shows all that a config requires. The ledger decides: what was not executed is red,
 * however few failures there are.
 */

import type { Known, Settings } from '../config/config.ts';
import { type Cell, cellName, type Run, type Verdict } from '../run/document.ts';
import { brokenProperties, mishapText, soundVerdict } from '../run/verdict.ts';
import { entryText, expired, speaksOf } from './known.ts';
import { type Required, requiredOf } from './required.ts';
import { missingReplays, staleBuilds, thinCell, thinEdges } from './thin.ts';

/** green: required and proved; known: its failure may stand for now; aside: not required, and no failure. */
export type State = 'green' | 'red' | 'known' | 'aside';

/** What the gate says of one cell. */
export interface Row extends Required {
  readonly state: State;
  readonly required: boolean;
  /** What was seen of it; `missing`: the run does not hold it. */
  readonly seen: Verdict | 'missing';
  /** Its evidence; null where the run does not hold it. */
  readonly cell: Cell | null;
  /** Why it is red, known or aside, in one line. */
  readonly why: string;
}

export interface Judged {
  readonly rows: readonly Row[];
  /** What makes the run red beside its cells, a line each. */
  readonly problems: readonly string[];
  /** What should be looked at, and makes nothing red. */
  readonly warnings: readonly string[];
  readonly red: boolean;
}

/** What stands beside the run. */
export interface Circumstances {
  /** UTC: `2026-11-25`. */
  readonly today: string;
  /** Builds of the configured libraries as they are now, by path; of those that are there. */
  readonly builds: ReadonlyMap<string, string>;
  /** Names of the failure files that are to be asked again. */
  readonly regressions: readonly string[];
}

/** Judges a run. */
export function judge(run: Run, settings: Settings, circumstances: Circumstances): Judged {
  const { known, evidence } = settings;
  const subjects = run.providers
    .filter(provider => provider.role === 'subject')
    .map(provider => provider.name);
  const required = requiredOf(run, settings.require, subjects);
  const wanted = new Set(required.map(cellName));
  const held = new Set(run.cells.map(cellName));
  const failures = new Failures(run);
  const about = run.cells.filter(cell => subjects.includes(cell.provider) || wanted.has(cellName(cell)));
  const rows = [
    ...about.map(cell => {
      const isRequired = wanted.has(cellName(cell));
      const thin = () => thinCell(run, cell, evidence);
      const judged = judgeCell(cell, isRequired, failures, known, thin, circumstances.today);
      return { ...namesOf(cell), ...judged, required: isRequired, cell };
    }),
    ...required.filter(cell => !held.has(cellName(cell))).map(cell => missing(cell, run)),
  ];
  const problems = [
    ...(required.length === 0 ? ['nothing is required of this run: it holds no kernel'] : []),
    ...run.mishaps.map(mishapText),
    ...thinEdges(run, new Set(required.map(cell => cell.op)), evidence.edges),
    ...staleBuilds(run, circumstances.builds),
    ...missingReplays(run, circumstances.regressions, wanted),
  ];
  const seen = about.flatMap(cell => failures.of(cell).map(property => ({ cell, property })));
  const idle = known.filter(entry => !seen.some(({ cell, property }) => speaksOf(entry, cell, property)));
  return {
    rows,
    problems,
    warnings: idle.map(
      entry => `known finding that this run does not have: ${entryText(entry)}; take it out`,
    ),
    red: problems.length > 0 || rows.some(row => row.state === 'red'),
  };
}

/** Which properties fail, cell by cell. */
class Failures {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  findings(cell: Cell) {
    return this.#run.findings.filter(finding => cellName(finding) === cellName(cell));
  }

  /** A failure that no property tells is one of execution: another kernel answered than was asked. */
  of(cell: Cell): string[] {
    const broken = brokenProperties(cell, this.findings(cell));
    if (broken.length > 0) return broken;
    if (cell.verdict === 'fail') return ['execution'];
    return cell.verdict === 'not-run' && this.#diedElsewhere(cell) ? ['survival'] : [];
  }

  /** A kernel that ends its process is closed: its other types were not asked because of that. */
  #diedElsewhere(cell: Cell): boolean {
    const kernel = cellName({ ...cell, dtype: '' });
    return this.#run.cells.some(
      other =>
        cellName({ ...other, dtype: '' }) === kernel &&
        brokenProperties(other, this.findings(other)).includes('survival'),
    );
  }
}

function judgeCell(
  cell: Cell,
  required: boolean,
  failures: Failures,
  known: readonly Known[],
  thin: () => string[],
  today: string,
): Pick<Row, 'state' | 'seen' | 'why'> {
  const { verdict: seen, reason } = soundVerdict(cell, failures.findings(cell));
  const broken = failures.of(cell);
  if (broken.length > 0) {
    const entries = broken.map(property => known.filter(entry => speaksOf(entry, cell, property)));
    const valid = entries.map(own => own.find(entry => !expired(entry, today)));
    if (valid.every(entry => entry !== undefined)) {
      const words = valid.map(({ property, reason, until }) => `${property} until ${until}: ${reason}`);
      return { state: 'known', seen, why: [...new Set(words)].join('; ') };
    }
    const over = entries.flat().find(entry => expired(entry, today));
    const why = over ? `known until ${over.until} (${over.reason}), and that is over: ${reason}` : reason;
    return { state: seen === 'fail' || required ? 'red' : 'aside', seen, why };
  }
  if (!required) return { state: 'aside', seen, why: seen === 'pass' ? 'not required' : reason };
  if (seen !== 'pass') return { state: 'red', seen, why: reason };
  const lacks = thin();
  return { state: lacks.length > 0 ? 'red' : 'green', seen, why: lacks.join('; ') };
}

function missing(cell: Required, run: Run): Row {
  const provider = run.providers.find(({ name }) => name === cell.provider);
  const left = provider?.leftOut.some(
    ({ op, kernel, tier }) => op === cell.op && kernel === cell.kernel && tier === cell.tier,
  );
  const why = left
    ? 'the run was told to leave this kernel out'
    : !provider
      ? 'the run has no such provider'
      : run.cells.some(other => cellName({ ...other, dtype: cell.dtype }) === cellName(cell))
        ? `the run was told to leave ${cell.dtype} out`
        : 'the provider has no such kernel';
  return { ...cell, state: 'red', required: true, seen: 'missing', cell: null, why };
}

function namesOf({ provider, op, kernel, tier, dtype }: Cell): Required {
  return { provider, op, kernel, tier, dtype };
}
