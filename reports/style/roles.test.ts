import { describe, expect, it } from 'vitest';
import { roles } from './roles.ts';

type Role = keyof typeof roles;

/** Relative luminance and contrast as WCAG 2 defines them. */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map(i => {
    const c = Number.parseInt(colour.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const text: readonly (readonly [Role, Role])[] = [
  ...(['ink', 'soft', 'grey', 'pass', 'fail'] as const).map(role => [role, 'page'] as const),
  ...(Object.keys(roles) as Role[]).filter(r => r.endsWith('-text')).map(role => [role, 'page'] as const),
  ['fail', 'fail-ground'],
  ['ink', 'fail-ground'],
  ['grey', 'box'],
  ['ink', 'box'],
];

describe.each(['light', 'dark'])('contrast in %s', theme => {
  const i = theme === 'light' ? 0 : 1;

  it.each(text)('text in %s on %s can be read', (role, ground) => {
    expect(contrast(roles[role][i], roles[ground][i])).toBeGreaterThanOrEqual(4.5);
  });

  it('lines of tiers grow stronger with width', () => {
    const strength = (['scalar', 'sse2', 'avx2', 'avx512'] as const).map(t =>
      contrast(roles[t][i], roles.page[i]),
    );
    expect(strength).toEqual(strength.toSorted((a, b) => a - b));
  });
});
