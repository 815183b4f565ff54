/** The verdict on a run in one sentence, and what follows it. Neither says more than was executed. */

import { type Audit, machineTiers, type Run } from '../src/run/document.ts';
import { falseAlarms, rowsOf } from '../src/run/kills.ts';
import { notWhole } from '../src/run/verdict.ts';
import { count, counted, list } from './format.ts';
import { apart, distinct, type Entry, executed, type Ledger } from './ledger.ts';
import { byTier } from './tiers.ts';

const isAre = (n: number) => (n === 1 ? 'is' : 'are');
const wasWere = (n: number) => (n === 1 ? 'was' : 'were');
const cells = (n: number) => (n === 1 ? 'cell' : 'cells');

/** A set of cells that the sentences speak of together. */
interface Group {
  readonly entries: readonly Entry[];
  /** `native cells`, `cells of ggml`: how they are called, one or many. */
  readonly called: (n: number) => string;
  /** `native kernel`, `kernel`: what makes them. */
  readonly kernel: string;
}

/** The cells that the verdict is first of all about, and the others. */
function groupsOf(ledger: Ledger): { main: Group; others: Group | null } {
  const { subjects } = apart(ledger);
  const providers = distinct(subjects.map(e => e.cell.provider));
  if (!providers.includes('native')) {
    return { main: { entries: subjects, called: cells, kernel: 'kernel' }, others: null };
  }
  const native = subjects.filter(e => e.cell.provider === 'native');
  const rest = subjects.filter(e => e.cell.provider !== 'native');
  const whose = providers.length === 2 ? `of ${providers[1]}` : 'of other providers';
  const main: Group = { entries: native, called: n => `native ${cells(n)}`, kernel: 'native kernel' };
  return rest.length === 0
    ? { main, others: null }
    : { main, others: { entries: rest, called: n => `${cells(n)} ${whose}`, kernel: 'kernel' } };
}

function tiersOf(entries: readonly Entry[]): string[] {
  return distinct(entries.map(e => e.cell.tier)).sort(byTier);
}

/** `3 of 12 native cells are wrong`; only cells that ran are counted among the twelve. */
function wrongOf({ entries, called }: Group): string | null {
  const wrong = entries.filter(e => e.verdict === 'fail').length;
  if (wrong === 0) return null;
  const ran = entries.filter(executed).length;
  const those = ran === entries.length ? called(ran) : `${called(ran)} that ran`;
  return `${count(wrong)} of ${count(ran)} ${those} ${isAre(wrong)} wrong`;
}

/** How many of some cells are right on an emulated CPU alone. */
function emulatedOf(right: readonly Entry[]): string {
  const emulated = right.filter(e => e.look === 'emulated').length;
  return emulated > 0 ? `, ${count(emulated)} ${cells(emulated)} on an emulated CPU alone` : '';
}

function stateOf(group: Group, run: Run): string {
  const wrong = wrongOf(group);
  if (wrong) return wrong;
  if (!group.entries.some(executed)) return `No ${group.kernel} was executed`;
  const here = group.entries.filter(e => e.verdict !== 'unavailable');
  const right = here.filter(e => e.verdict === 'pass');
  const unproved = here.length - right.length;
  if (unproved > 0) {
    return `${count(right.length)} of ${count(here.length)} ${group.called(here.length)} ${isAre(right.length)} right${emulatedOf(right)}; ${count(unproved)} ${isAre(unproved)} unproved`;
  }
  const emulated = emulatedOf(right);
  if (emulated) return `Every ${group.kernel} is right in ${list(tiersOf(right))}${emulated}`;
  const proved = tiersOf(right);
  const machineHas = machineTiers(run)
    .filter(t => t.available)
    .map(t => t.tier);
  return machineHas.every(tier => proved.includes(tier))
    ? `Every ${group.kernel} is right in every tier ${run.machines.filter(machine => !machine.emulator).length > 1 ? 'these machines have' : 'this machine has'}`
    : `Every ${group.kernel} is right in ${list(proved)}`;
}

/** What an audit came to: the bugs that were hunted, and the correct kernels. */
function auditHeadline({ rows }: Audit, run: Run): string {
  const [killed, survivors, absent] = (['killed', 'survives', 'not run'] as const).map(
    fate => rowsOf(rows, fate).length,
  );
  const hunted = rows.length - absent;
  const bugs = counted(hunted, 'planted bug');
  const kills = killed === hunted ? `All ${bugs}` : `${count(killed)} of ${bugs}`;
  const rest =
    survivors > 0 ? `, ${count(survivors)} survive${survivors === 1 ? 's' : ''} without a reason` : '';
  const accused = falseAlarms(run).length;
  const alarms =
    accused > 0
      ? `${count(accused)} ${cells(accused)} of correct kernels ${wasWere(accused)} accused`
      : run.cells.some(cell => cell.verdict === 'pass')
        ? 'no correct kernel was accused'
        : 'no correct kernel was checked';
  return `${kills} ${wasWere(hunted === 1 ? 1 : 2)} killed${rest}; ${alarms}.`;
}

/** The verdict, a sentence that is true of the run. */
export function headline(ledger: Ledger): string {
  const says = sentence(ledger);
  return ledger.run.mishaps.length === 0 ? says : `${says} ${notWhole}`;
}

function sentence(ledger: Ledger): string {
  const { run } = ledger;
  if (run.audit && run.audit.rows.length > 0) return auditHeadline(run.audit, run);
  const { subjects } = apart(ledger);
  if (subjects.length === 0) return 'Nothing was checked.';
  if (!subjects.some(executed)) return 'Nothing was executed.';
  const { main, others } = groupsOf(ledger);
  const parts = [stateOf(main, ledger.run), others && wrongOf(others)];
  return `${parts.filter(Boolean).join('; ')}.`;
}

function executedSentence({ entries, called }: Group): string {
  const ran = entries.filter(executed);
  const says = `${count(ran.length)} of ${count(entries.length)} ${called(entries.length)} ${wasWere(ran.length)} executed`;
  return ran.length === 0
    ? `${says}.`
    : `${says} and checked against float64 truth in ${list(tiersOf(ran))}.`;
}

/** What a peer's cells came to: `Beside them, the peer onnxruntime: 2 of 3 cells are right, 1 says no.` */
function peerSentence(name: string, entries: readonly Entry[]): string {
  const number = (verdict: Entry['verdict']) => entries.filter(e => e.verdict === verdict).length;
  const [right, wrong] = [number('pass'), number('fail')];
  const ran = right + wrong;
  if (ran === 0) return `Beside them, the peer ${name} did not run.`;
  const fails = wrong > 0 ? `, ${count(wrong)} ${isAre(wrong)} wrong` : '';
  return `Beside them, of the peer ${name}, ${count(right)} of ${count(ran)} ${cells(ran)} that ran ${isAre(right)} right${fails}.`;
}

/** Counts behind the verdict, and the tiers that this machine lacks. */
export function lead(ledger: Ledger): string {
  if (ledger.entries.length === 0) return 'The run holds no cell.';
  const { main, others } = groupsOf(ledger);
  const missing = ledger.columns.filter(c => !c.available).map(c => c.tier);
  const sentences = [
    executedSentence(main),
    others && executedSentence(others),
    missing.length > 0 && `${list(missing)} could not run here.`,
    ...ledger.peers.map(name =>
      peerSentence(
        name,
        ledger.entries.filter(e => e.cell.provider === name),
      ),
    ),
  ];
  return sentences.filter(Boolean).join(' ');
}
