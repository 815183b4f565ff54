/** Grid and type: what every section stands on. */

export const baseStyle = `
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-padding-top: 72px; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 13px/20px Inter, "Inter Variable", system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
code, pre, .mono { font: 12px/18px "JetBrains Mono", ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
main { max-width: 1440px; margin: 0 auto; padding: 0 60px 96px; }
section { padding: 56px 0 0; }
section + section { margin-top: 56px; border-top: 1px solid var(--rule); }
h1, h2, h3, h4, p, ul, dl, dd, pre, table { margin: 0; padding: 0; }
ul { list-style: none; }
p { text-wrap: pretty; }
h2 { font-size: 20px; line-height: 28px; font-weight: 600; letter-spacing: -0.01em; }
h3, h4 { font-size: 13px; line-height: 20px; font-weight: 600; }
.lead { margin: 4px 0 24px; max-width: 980px; color: var(--soft); }
.note { font-size: 12px; line-height: 18px; color: var(--grey); }
.grey { color: var(--grey); }
.mark { display: inline-flex; gap: 8px; align-items: baseline; }
.mark > .glyph { position: relative; top: 2px; }
.fail-text { color: var(--fail); }
a { color: inherit; text-decoration: underline; text-decoration-color: var(--rule-strong); text-underline-offset: 2px; }
a:hover { text-decoration-color: currentColor; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 1px; }
.sr { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.grid { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 40px 24px; }
.span-3 { grid-column: span 3; } .span-4 { grid-column: span 4; } .span-6 { grid-column: span 6; }
.span-8 { grid-column: span 8; } .span-12 { grid-column: span 12; }
.block { border-top: 1px solid var(--rule-strong); padding-top: 12px; min-width: 0; }
.block-head { display: flex; justify-content: space-between; gap: 12px; align-items: baseline; margin-bottom: 4px; }
.block-head .note { text-align: right; }
table { width: 100%; border-collapse: collapse; font-size: 12px; line-height: 18px; }
th { font-weight: 400; text-align: left; color: var(--grey); }
td, th { padding: 3px 0; vertical-align: baseline; }
tbody tr + tr > *, thead + tbody tr:first-child > * { border-top: 1px solid var(--rule); }
.n { text-align: right; white-space: nowrap; padding-left: 10px; }
th[scope="row"], th[scope="rowgroup"] { color: var(--ink); }
details > summary { cursor: pointer; list-style: none; }
details > summary::-webkit-details-marker { display: none; }
.fold::before { content: ""; flex: none; width: 5px; height: 5px; margin: 0 9px 2px 2px; border: solid var(--grey); border-width: 0 1.4px 1.4px 0; transform: rotate(-45deg); display: inline-block; }
details[open] > .fold::before { transform: rotate(45deg); margin-bottom: 4px; }
.box { background: var(--box); border: 1px solid var(--rule); border-radius: 6px; padding: 10px 14px; }
pre.box { overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
.command { display: flex; gap: 10px; align-items: center; justify-content: space-between; }
.command code { overflow-wrap: anywhere; }
.command code::before { content: "$ "; color: var(--grey); }
button { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--rule-strong); border-radius: 5px; cursor: pointer; }
button[hidden] { display: none; }
.copy { flex: none; padding: 1px 9px; font-size: 12px; }
@media (max-width: 1100px) {
  .span-3, .span-4 { grid-column: span 6; } .span-8 { grid-column: span 12; }
}
@media (max-width: 720px) {
  main { padding: 0 16px 64px; }
  section { padding-top: 32px; } section + section { margin-top: 32px; }
  .grid { gap: 28px 16px; }
  .span-3, .span-4, .span-6, .span-8 { grid-column: span 12; }
  html { scroll-padding-top: 104px; }
}
@media print { .topbar { position: static; } }
`;
