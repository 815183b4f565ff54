/** Links within the page. A run may hold timings alone: where a cell has no evidence, its name is just text. */

import { type Content, type Html, html } from './html.ts';
import { type CellKey, cellId, type Ledger } from './ledger.ts';

/** `content` as a link to a cell's evidence, where the run has that cell. */
export function toCell({ entries }: Ledger, key: CellKey, content: Content): Html {
  const id = cellId(key);
  return entries.some(e => e.id === id)
    ? html`<a href="#${id}">${content}</a>`
    : html`<span>${content}</span>`;
}
