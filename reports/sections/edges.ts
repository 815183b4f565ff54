/** Edges: how often the cases reached the places where kernels break. A zero is a gap in the proof. */

import { count, counted } from '../format.ts';
import { type Html, html } from '../html.ts';
import { grouped, type Ledger } from '../ledger.ts';
import { headingId, type Section } from './section.ts';

const id = 'edges';

type Edge = Ledger['run']['edges'][number];

function edgeRow({ edge, cases }: Edge): Html {
  const number =
    cases === 0
      ? html`<td class="n never"><b>0</b> never reached</td>`
      : html`<td class="n">${count(cases)}</td>`;
  return html`<tr${cases === 0 ? html` class="missed"` : ''}><th scope="row">${edge}</th>${number}</tr>`;
}

function dimension(edges: readonly Edge[]): Html {
  const missed = edges.filter(e => e.cases === 0).length;
  const reached = `${edges.length - missed} of ${edges.length}`;
  return html`<div class="block dimension"><div class="block-head"><h4>${edges[0].dimension}</h4><span class="note${missed > 0 ? ' never' : ''}">${reached}</span></div>
<table><caption class="sr">Cases that reached each edge of ${edges[0].dimension}</caption><tbody>${edges.map(edgeRow)}</tbody></table></div>`;
}

function render({ run }: Ledger): Html {
  const missed = run.edges.filter(e => e.cases === 0);
  const says =
    run.edges.length === 0
      ? 'The run does not say which edges its cases reached.'
      : missed.length === 0
        ? `All ${counted(run.edges.length, 'edge')} were reached. Cases that reached each:`
        : `${count(run.edges.length - missed.length)} of ${counted(run.edges.length, 'edge')} were reached; nothing is known about the others.`;
  const ops = [...grouped(run.edges, e => e.op)];
  return html`<h2 id="${headingId(id)}">Edges</h2><p class="lead">${says}</p>
${ops.map(([op, edges]) => html`<h3>${op}</h3><div class="dimensions">${[...grouped(edges, e => e.dimension).values()].map(dimension)}</div>`)}`;
}

const style = `
.dimensions { columns: 4 250px; column-gap: 24px; margin-top: 8px; }
.dimension { break-inside: avoid; margin-bottom: 24px; }
.dimensions + h3 { margin-top: 16px; }
.never { color: var(--fail) !important; font-weight: 600; }
.missed { background: var(--fail-ground); }
.missed th { padding-left: 6px; color: var(--fail); font-weight: 600; } .missed td { padding-right: 6px; }
`;

export const edges: Section = { id, name: 'Edges', short: 'Edges', render, style };
