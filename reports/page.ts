/** The page around the sections: head, bar on top, sheet of glyphs, script. One file, nothing fetched. */

import { createHash } from 'node:crypto';
import { barStyle } from './bar.ts';
import { glyphSheet, glyphStyle } from './glyphs.ts';
import { headline } from './headline.ts';
import { type Html, html, trusted } from './html.ts';
import type { Ledger } from './ledger.ts';
import { script } from './script.ts';
import { headingId, type Section } from './sections/section.ts';
import { baseStyle } from './style/base.ts';
import { rolesStyle } from './style/roles.ts';

const topbarStyle = `
.topbar { position: sticky; top: 0; z-index: 2; background: var(--page); border-bottom: 1px solid var(--rule); }
.topbar > div { max-width: 1440px; height: 52px; margin: 0 auto; padding: 0 60px; display: flex; align-items: center; gap: 28px; }
.brand { font-weight: 700; font-size: 15px; letter-spacing: -0.01em; }
.topbar nav { flex: 1; align-self: stretch; min-width: 0; }
.topbar ul { display: flex; gap: 24px; height: 100%; }
.topbar nav a { display: flex; align-items: center; height: 100%; color: var(--soft); text-decoration: none; border-bottom: 2px solid transparent; white-space: nowrap; }
.topbar nav a:hover { color: var(--ink); }
.topbar nav a[aria-current] { color: var(--ink); font-weight: 500; border-color: var(--ink); }
.topbar .short { display: none; }
.theme { width: 32px; height: 32px; display: grid; place-items: center; flex: none; }
@media (max-width: 720px) {
  .topbar > div { height: 88px; padding: 8px 16px 0; display: grid; grid-template: 40px 40px / 1fr auto; gap: 0 12px; }
  .topbar nav { grid-area: 2 / 1 / 3 / 3; overflow-x: auto; font-size: 12px; }
  .theme { grid-area: 1 / 2; }
  .topbar ul { justify-content: space-between; gap: 8px; }
  .topbar .long { display: none; } .topbar .short { display: inline; }
}
`;

/** The source expression by which a policy allows exactly this text inline. */
function allowed(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

const themeSwitch = html`<button class="theme" type="button" hidden aria-label="Switch between light and dark">
<svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor"/></svg></button>`;

/** The whole document. Style and script are allowed by their digests, everything else is forbidden. */
export function page(ledger: Ledger, sections: readonly Section[]): Html {
  const style = [
    rolesStyle,
    baseStyle,
    topbarStyle,
    glyphStyle,
    barStyle,
    ...sections.map(s => s.style),
  ].join('');
  const policy = `default-src 'none'; style-src ${allowed(style)}; script-src ${allowed(script)}; base-uri 'none'; form-action 'none'`;
  const says = headline(ledger);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${says} tierwise</title>
<style>${trusted(style)}</style>
</head>
<body>
${glyphSheet}
<header class="topbar"><div><span class="brand">tierwise</span>
<nav aria-label="Sections"><ul>${sections.map(
    s =>
      html`<li><a href="#${s.id}"><span class="long">${s.name}</span><span class="short">${s.short}</span></a></li>`,
  )}</ul></nav>${themeSwitch}</div></header>
<main>
${sections.map(s => html`<section id="${s.id}" aria-labelledby="${headingId(s.id)}">${s.render(ledger)}</section>`)}
</main>
<script>${trusted(script)}</script>
</body>
</html>
`;
}
