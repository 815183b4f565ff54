/** The page as a browser lays it out. Runs where a Chromium is installed; the other tests need none. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderReport } from './report.ts';
import { auditedRun } from './testing/audited.ts';
import { peeredRun } from './testing/peered.ts';
import { greenRun, plantedRun } from './testing/sample.ts';

const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = candidates.find(existsSync) ?? '';

const quiet = ['background-networking', 'component-update', 'sync', 'gpu'].map(what => `--disable-${what}`);

/** Pairs of texts of one drawing whose boxes overlap, as laid out. */
function overlapping(): string[] {
  return [...document.querySelectorAll('.chart, .diagram')].flatMap(drawing => {
    const boxes = [...drawing.querySelectorAll('text')].map(t => ({ text: t.textContent, box: t.getBBox() }));
    return boxes.flatMap(({ text, box: a }, i) =>
      boxes
        .slice(i + 1)
        .filter(
          ({ box: b }) =>
            a.x < b.x + b.width &&
            b.x < a.x + a.width &&
            // Boxes are as high as the font; ink is less so.
            a.y + 2 < b.y + b.height - 2 &&
            b.y + 2 < a.y + a.height - 2,
        )
        .map(other => `${text} | ${other.text}`),
    );
  });
}

describe.skipIf(executablePath === '')('in a browser', () => {
  let browser: Browser;
  const folder = mkdtempSync(join(tmpdir(), 'report-'));
  const pages = {
    green: join(folder, 'green.html'),
    planted: join(folder, 'planted.html'),
    peered: join(folder, 'peered.html'),
    audited: join(folder, 'audited.html'),
  };

  beforeAll(async () => {
    writeFileSync(pages.green, renderReport(greenRun()));
    writeFileSync(pages.planted, renderReport(plantedRun()));
    writeFileSync(pages.peered, renderReport(peeredRun()));
    writeFileSync(pages.audited, renderReport(auditedRun()));
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--no-first-run', ...quiet] });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  /** A page, and everything that it complained of or asked the network for. */
  async function open(
    file: string,
    width: number,
    scripts: 'on' | 'off',
    fragment = '',
  ): Promise<{ page: Page; noise: string[] }> {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      javaScriptEnabled: scripts === 'on',
      offline: true,
    });
    const page = await context.newPage();
    const noise: string[] = [];
    page.on('console', m => noise.push(m.text()));
    page.on('pageerror', e => noise.push(e.message));
    page.on('request', r => {
      if (!r.url().startsWith('file:')) noise.push(r.url());
    });
    await page.goto(pathToFileURL(file).href + fragment);
    return { page, noise };
  }

  const cases = Object.entries(pages).flatMap(([name, file]) =>
    [1440, 1024, 375].map(w => [name, w, file] as const),
  );

  it.each(cases)(
    'the %s page fits %i pixels, quietly, no label on another',
    async (_, width, file) => {
      const { page, noise } = await open(file, width, 'on');
      await page.evaluate(() => {
        for (const d of document.querySelectorAll('details')) d.open = true;
      });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      expect(await page.evaluate(overlapping)).toEqual([]);
      expect(noise).toEqual([]);
      await page.context().close();
    },
    30_000,
  );

  it('shows map, findings and the cell that a link leads to with scripts off', async () => {
    const { page, noise } = await open(pages.planted, 1440, 'off', '#native.rms_norm.lanes32.avx2.f16');
    for (const text of ['Tier map', 'Smallest failing case', 'supported of asked']) {
      expect(await page.getByText(text).filter({ visible: true }).count()).toBeGreaterThan(0);
    }
    expect(await page.locator('.theme').isVisible()).toBe(false);
    expect(noise).toEqual([]);
    await page.context().close();
  }, 30_000);

  it('switches its theme and opens the cell that a link leads to', async () => {
    const { page } = await open(pages.planted, 1440, 'on');
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await ground();
    await page.locator('.theme').click();
    expect(await ground()).not.toBe(before);
    await page.locator('#map td.cell a').first().click();
    await expect.poll(() => page.locator('.cell-evidence[open]').count()).toBe(1);
    await page.context().close();
  }, 30_000);
});
