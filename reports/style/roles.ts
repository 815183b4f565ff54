/** Every colour of the page: what it is for, in light and in dark. Nothing else names a colour. */

/** Role: [light, dark]. */
export const roles = {
  page: ['#ffffff', '#101215'],
  ink: ['#16181d', '#eceef1'],
  soft: ['#4b5058', '#b3b8c0'],
  grey: ['#696d75', '#8f959e'],
  rule: ['#e3e3e1', '#26292f'],
  'rule-strong': ['#c9cac8', '#3a3e45'],
  track: ['#ebece8', '#2a2d33'],
  box: ['#f6f6f4', '#191c20'],
  hatch: ['#d5d6d4', '#33373d'],
  pass: ['#08735a', '#46bf98'],
  fail: ['#bd3a08', '#ff8150'],
  'fail-ground': ['#fdeee6', '#3a1f15'],
  emulated: ['#1b4f91', '#7fb2ef'],
  focus: ['#1b4f91', '#7fb2ef'],
  /* Tiers: one blue, darker (in dark: lighter) with width. */
  scalar: ['#a3b6cc', '#4f6580'],
  sse2: ['#7597c0', '#5f86bd'],
  avx2: ['#3a6eae', '#7fb0ee'],
  avx512: ['#0d3675', '#c2dcff'],
  other: ['#8b7a9e', '#a594ba'],
  /* Other providers in charts, in the order in which they come. */
  'peer-0': ['#857414', '#c3b04a'],
  'peer-1': ['#963c82', '#d88cc6'],
  'peer-2': ['#62666d', '#9aa0a9'],
  /* The same for text, which needs more contrast than a line. */
  'scalar-text': ['#5d6f86', '#8197b3'],
  'sse2-text': ['#44709f', '#7d9fce'],
  'avx2-text': ['#2b5f9f', '#7fb0ee'],
  'avx512-text': ['#0d3675', '#c2dcff'],
  'other-text': ['#6d5a83', '#b3a3c6'],
  'peer-0-text': ['#736410', '#c3b04a'],
  'peer-1-text': ['#8a3678', '#d88cc6'],
  'peer-2-text': ['#5c6067', '#9aa0a9'],
} as const satisfies Record<string, readonly [string, string]>;

function properties(theme: 0 | 1): string {
  return Object.entries(roles)
    .map(([role, colours]) => `--${role}: ${colours[theme]};`)
    .join(' ');
}

/** The reader's system decides, unless the page's own switch did. */
export const rolesStyle = `
:root { color-scheme: light; ${properties(0)} }
@media (prefers-color-scheme: dark) { :root { color-scheme: dark; ${properties(1)} } }
:root[data-theme="light"] { color-scheme: light; ${properties(0)} }
:root[data-theme="dark"] { color-scheme: dark; ${properties(1)} }
`;
