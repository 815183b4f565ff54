/** The verdict: one sentence, the counts behind it, the machine, and three boxes that answer in short. */

import type { Machine } from '../../src/run/document.ts';
import { mishapText } from '../../src/run/verdict.ts';
import { roofBar } from '../bar.ts';
import {
  bytes,
  count,
  counted,
  dateTime,
  list,
  longTime,
  percent,
  shortHash,
  sizes,
  times,
} from '../format.ts';
import { glyph, type Look, verdictWords } from '../glyphs.ts';
import { headline, lead } from '../headline.ts';
import { type Content, type Html, html } from '../html.ts';
import { apart, distinct, type Ledger, looksIn } from '../ledger.ts';
import { leaders, overText, roofWords, type Speed, speedsOf } from '../speeds.ts';
import { headingId, type Section } from './section.ts';

const id = 'verdict';

function fact(name: string, value: Content): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function machineFacts(machine: Machine): Html {
  return html`${fact('machine', `${machine.model}${machine.emulator ? ` by ${machine.emulator}` : ''}, ${counted(machine.cores, 'core')}, ${bytes(machine.memoryBytes)}`)}
${fact('system', `${machine.system}, node ${machine.node}`)}
${fact('caches', machine.caches.map(c => `${c.name} ${bytes(c.bytes)}`).join(', ') || 'not told')}
${fact(
  'features',
  machine.features.length <= 10
    ? html`<code>${machine.features.join(' ') || 'none'}</code>`
    : html`<details><summary class="fold">${counted(machine.features.length, 'feature')}</summary><code>${machine.features.join(' ')}</code></details>`,
)}
${fact('XCR0', machine.xcr0 === null ? 'none' : html`<code>${machine.xcr0}</code>`)}`;
}

function facts({ run }: Ledger): Html {
  const { machines, command, tool, throughput } = run;
  const build = run.providers.map(
    p => html`<span title="${p.build}">${p.name} <code>${shortHash(p.build)}</code></span>`,
  );
  const ran = throughput
    ? `${longTime(run.seconds)}, ${longTime(throughput.seconds)} of it checking: ${count(Math.round(throughput.casesPerSecond))} cases a second, ${counted(throughput.calls, 'call')}`
    : longTime(run.seconds);
  const asked = [
    throughput ? counted(throughput.cases, 'case') : 'none checked',
    command.budgetSeconds !== null && `budget ${longTime(command.budgetSeconds)}`,
  ].filter(Boolean);
  return html`<dl class="facts">
${machines.map(machineFacts)}
${fact('commit', tool.commit === null ? 'not told' : html`<code title="${tool.commit}">${tool.commit.slice(0, 12)}</code>, tierwise ${tool.version}`)}
${fact(build.length === 1 ? 'build' : 'builds', build.length ? html`<span class="builds">${build}</span>` : 'none')}
${fact('cases', html`${asked.join(', ')} · seed <code>${command.seed}</code>`)}
${fact('took', ran)}
${fact('command', html`<code>${command.line}</code>`)}
</dl>`;
}

function right(ledger: Ledger): Html {
  const { subjects, beside } = apart(ledger);
  const native = subjects.filter(e => e.cell.provider === 'native');
  const others = subjects.filter(e => e.cell.provider !== 'native');
  const alone = distinct(others.map(e => e.cell.provider)).join(', ');
  const columns = [
    { name: 'native', cells: native },
    { name: native.length > 0 ? 'others' : alone, cells: others },
    { name: 'peers', cells: beside },
  ].filter(column => column.cells.length > 0);
  const number = (n: number, of: Look) => {
    const look = n === 0 ? 'n grey' : of === 'fail' ? 'n fail-text loud' : 'n';
    return html`<td class="${look}">${count(n)}</td>`;
  };
  return html`<div class="block answer"><h2>Right?</h2>
<table><thead><tr><th scope="col">cells by verdict</th>${columns.map(c => html`<th scope="col" class="n">${c.name}</th>`)}</tr></thead>
<tbody>${looksIn(ledger.entries).map(
    v => html`<tr><th scope="row"><span class="mark">${glyph(v)} ${verdictWords[v].word}</span></th>
${columns.map(c => number(c.cells.filter(e => e.look === v).length, v))}</tr>`,
  )}</tbody></table></div>`;
}

function fastRow({ timing, overScalar }: Speed, peers: readonly string[], { run }: Ledger): Html {
  return html`<tr><th scope="row">${timing.op} ${timing.dtype} <span class="grey">${timing.tier}</span></th>
<td class="roof">${timing.ofRoof !== null && roofBar(timing.ofRoof)}</td>
<td class="n">${timing.ofRoof === null ? '–' : percent(timing.ofRoof)}</td>
<td class="n">${overScalar === null ? '–' : times(overScalar)}</td>${peers.map(peer => html`<td class="n">${overText(timing, peer, run.timings)}</td>`)}</tr>`;
}

function fast(ledger: Ledger): Html {
  const { run } = ledger;
  const peers = ledger.peers.filter(peer => run.timings.some(t => t.provider === peer));
  const best = leaders(speedsOf(ledger), run);
  const shapes = [...new Set(best.map(s => `${s.timing.op} at ${sizes(s.timing.size)}`))];
  const body =
    best.length > 0
      ? html`<table><thead><tr><th scope="col">fastest native tier</th><td></td><th scope="col" class="n">of its roof</th><th scope="col" class="n">over scalar</th>${peers.map(peer => html`<th scope="col" class="n over">over ${peer}</th>`)}</tr></thead>
<tbody>${best.map(speed => fastRow(speed, peers, ledger))}</tbody></table>
<p class="note">Medians, ${list(shapes)}. The roof, measured in this run: ${list(distinct(best.map(s => roofWords[s.timing.roof])))}.</p>`
      : html`<p class="note">${run.timings.length === 0 ? 'Nothing was timed in this run.' : 'No native kernel that was timed is proved in this run.'}</p>`;
  return html`<div class="block answer"><h2>Fast?</h2>${body}</div>`;
}

/** What could not run: tiers that the machine lacks, and peers that are not installed. */
function missing({ columns, entries, peers }: Ledger): { what: string; says: string; why: string }[] {
  const tiers = columns
    .filter(column => !column.available)
    .map(({ tier, why }) => {
      const cells = entries.filter(e => e.cell.tier === tier);
      const says = cells.length === 0 ? 'no kernel for it' : `${counted(cells.length, 'cell')} unproved`;
      return { what: tier, says, why };
    });
  const absent = peers.flatMap(peer => {
    const cells = entries.filter(e => e.cell.provider === peer);
    if (cells.some(e => e.verdict !== 'unavailable')) return [];
    const why = distinct(cells.map(e => e.reason)).join('; ');
    return [{ what: peer, says: `${counted(cells.length, 'cell')} unproved`, why }];
  });
  return [...tiers, ...absent];
}

function elsewhere(ledger: Ledger): Html {
  const absent = missing(ledger);
  const body =
    absent.length > 0
      ? html`<ul>${absent.map(
          ({
            what,
            says,
            why,
          }) => html`<li><span class="mark">${glyph('unavailable')} <span>${what} <span class="grey">${says}</span></span></span>
<p class="note">${why || 'the run does not say why'}</p></li>`,
        )}</ul>`
      : html`<p class="note">Nothing: this machine has every tier of the run.</p>`;
  return html`<div class="block answer"><h2>Could not run here</h2>${body}</div>`;
}

function render(ledger: Ledger): Html {
  const { run } = ledger;
  const commit = run.tool.commit === null ? '' : ` · commit ${run.tool.commit.slice(0, 7)}`;
  return html`<div class="verdict-head"><div>
<p class="note">Run of ${dateTime(run.started)}${commit}</p>
<h1 id="${headingId(id)}">${headline(ledger)}</h1>
<p class="verdict-lead">${lead(ledger)}</p>
${run.mishaps.map(mishap => html`<p class="verdict-lead fail-text">${mishapText(mishap)}</p>`)}</div>
${facts(ledger)}</div>
<div class="grid answers">${right(ledger)}${fast(ledger)}${elsewhere(ledger)}</div>`;
}

const style = `
#verdict { padding-top: 40px; }
.verdict-head { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 24px; margin-bottom: 40px; }
.verdict-head > div { grid-column: span 7; }
h1 { font-size: 30px; line-height: 38px; font-weight: 600; letter-spacing: -0.02em; margin: 8px 0 8px; max-width: 640px; text-wrap: balance; }
.verdict-lead { font-size: 15px; line-height: 24px; color: var(--soft); max-width: 720px; }
.facts { grid-column: span 5; align-self: end; font-size: 12px; line-height: 18px; }
.facts > div { display: grid; grid-template-columns: 76px minmax(0, 1fr); gap: 10px; padding: 2px 0; }
.facts dt { color: var(--grey); }
.facts dd { overflow-wrap: anywhere; }
.facts .fold::before { margin-left: 0; }
.builds { display: flex; flex-wrap: wrap; gap: 0 14px; }
.answers { gap: 28px 24px; }
.answer { grid-column: span 4; border-top-color: var(--ink); }
.answer h2 { font-size: 13px; line-height: 20px; letter-spacing: 0; margin-bottom: 6px; }
.answer .note { margin-top: 8px; }
.answer thead .n { white-space: normal; }
.answer li + li { border-top: 1px solid var(--rule); margin-top: 8px; padding-top: 8px; }
.answer li .note { margin: 0 0 0 22px; }

.loud { font-weight: 600; }
.roof { width: 96px; padding-left: 10px; vertical-align: middle; }
@media (max-width: 1100px) { .verdict-head > div, .facts { grid-column: span 12; } }
@media (max-width: 720px) {
  .verdict-head { margin-bottom: 28px; } .answer { grid-column: span 12; }
  h1 { font-size: 24px; line-height: 32px; } .roof { width: 64px; }
  #verdict { padding-top: 24px; }
}
`;

export const verdict: Section = { id, name: 'Verdict', short: 'Verdict', render, style };
