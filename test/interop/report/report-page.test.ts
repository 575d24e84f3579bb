import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { renderHtml } from '../../../harness/report/html.ts';
import { readReport } from '../../../harness/report/read-report.ts';
import type { Report, ReportedResult } from '../../../harness/report/report.ts';
import { requirePeers } from '../peers.ts';
import { type Looker, startBrowser } from './browser-stage.ts';

const peers = requirePeers(['chromium']);
const folder = mkdtempSync(join(tmpdir(), 'backlot-page-'));
const file = join(folder, 'report.html');
/** `BACKLOT_SCREENSHOTS=1 vitest run --project interop report-page` makes them new. */
const isMakingPictures = process.env['BACKLOT_SCREENSHOTS'] !== undefined;

/** A run with an engine that reads the first page of changed areas only: bytes are wrong, and rules are violated. */
function playBrokenEngine(): void {
  const words = ['run', 'S001', 'S005', 'S006', '--mutant', 'first-page-only', '--report', folder];
  const { status, stderr } = spawnSync(process.execPath, ['src/cli/main.ts', ...words], { encoding: 'utf8' });
  if (status !== 1) throw new Error(`the run ended with ${status}: ${stderr}`);
}

async function takePicture(page: Page, name: string): Promise<void> {
  const place = resolve('docs/images', name);
  if (!isMakingPictures) return;
  mkdirSync(resolve('docs/images'), { recursive: true });
  await page.screenshot({ path: place });
}

const visible = (page: Page): Promise<number> => page.locator('.runs > li:visible').count();
const focused = (page: Page): Promise<string> =>
  page.evaluate<string>(`document.activeElement.textContent.trim().replaceAll(/\\s+/g, ' ')`);
const overflow = (page: Page): Promise<number> =>
  page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');

describe.skipIf(!peers.available)('report.html in Chromium', () => {
  let looker: Looker;
  let report: Report;

  beforeAll(async () => {
    playBrokenEngine();
    report = readReport(readFileSync(join(folder, 'report.json'), 'utf8'));
    looker = await startBrowser();
  });
  afterEach(() => {
    expect(looker.troubles.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await looker[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const render = (name: string, change: Partial<Report>): string => {
    const place = join(folder, name);
    writeFileSync(place, renderHtml({ ...report, ...change }));
    return place;
  };

  it('opens with the verdict on top, in words and numbers', async () => {
    const page = await looker.open(file);
    expect(await page.locator('h1').textContent()).toMatch(/Fail The engine does not conform: 6 of 9/);
    expect(await page.locator('.numbers').innerText()).toMatch(/3 of 9\s+scenarios passed/);
    expect(await page.locator('h1').boundingBox()).toMatchObject({ y: expect.closeTo(60, -2) });
    await takePicture(page, 'report-verdict.png');
  });

  it('filters scenarios by outcome, engine and words', async () => {
    const page = await looker.open(file);
    expect(await visible(page)).toBe(9);
    await page.getByRole('checkbox', { name: /failed/ }).uncheck();
    expect(await visible(page)).toBe(3);
    await page.getByLabel('Engine').selectOption('hotadd');
    expect(await page.locator('output').textContent()).toBe('1 of 9 shown');
    await page.keyboard.press('Escape');
    await page.locator('body').press('/');
    await page.keyboard.type('no such thing');
    expect(await visible(page)).toBe(0);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.keyboard.type('S005 WRONG sectors');
    expect(await visible(page)).toBe(3);
    await page.locator('.search input').fill('cbt-9');
    expect(await visible(page)).toBe(6);
    expect(await page.locator('.runs > li:visible').first().innerText()).toContain(
      'S005-paged-changed-areas',
    );
  });

  it('leads in two clicks from the verdict to the entry of the journal that proves a violation', async () => {
    const page = await looker.open(file);
    await page.locator('.problems a', { hasText: 'CBT-9' }).click();
    const evidence = page.locator('#rule-CBT-9 pre').first();
    expect(await evidence.innerText()).toContain('cbt.changed-areas answers 200');
    await page.locator('#rule-CBT-9 .jump').first().click();
    const hit = page.locator('tr.hit');
    expect(await hit.innerText()).toContain('cbt.changed-areas');
    const at = report.rules.find(({ rule }) => rule === 'CBT-9')?.violations[0]?.at;
    expect(await hit.getAttribute('data-n')).toBe(`${at}`);
    expect(await page.evaluate(`document.querySelector('tr.hit') === document.activeElement`)).toBe(true);
    const box = await hit.boundingBox();
    expect(box?.y).toBeGreaterThan(0);
    expect(box?.y).toBeLessThan(800);
    await takePicture(page, 'report-evidence.png');
    await page.locator('.run[open] .broken-rules a', { hasText: 'CBT-9' }).click();
    expect(await page.locator('#rule-CBT-9 > summary').evaluate((part) => part.matches(':focus'))).toBe(true);
  });

  it('draws the disk with every wrong block marked, and the lanes of the run', async () => {
    const page = await looker.open(file, { hash: '#run-3' });
    const run = page.locator('#run-3');
    const [finding] = report.results[3]?.findings ?? [];
    const wrong = finding?.disk?.wrong.reduce((sum, [, count]) => sum + count, 0) ?? 0;
    expect(wrong).toBeGreaterThan(10);
    expect(await run.locator('.disk > svg .cross').count()).toBe(wrong);
    expect(await run.locator('.disk figcaption').innerText()).toContain(
      `${wrong} blocks that the engine neither asked`,
    );
    const lanes = await run.locator('.timeline th').allInnerTexts();
    expect(lanes).toEqual(['seconds', 'Engine', 'REST', 'Tasks', 'Locks', 'NBD']);
    expect(await run.locator('.strip .span').count()).toBeGreaterThan(5);
    expect(await run.locator('.timeline td.bad').innerText()).toContain('point WRONG');
    await page.evaluate(`document.querySelector('#run-3 .finding').scrollIntoView()`);
    await takePicture(page, 'report-disk.png');
  });

  it('shows the lane of HotAdd where disks were hot-added', async () => {
    const page = await looker.open(file, { hash: '#run-5' });
    expect(await page.locator('#run-5 .timeline th').allInnerTexts()).toContain('HotAdd');
    expect(await page.locator('#run-5 .timeline').innerText()).toContain('attached');
  });

  it('is worked with the keyboard alone, and shows where one is', async () => {
    const page = await looker.open(file);
    await page.locator('body').press('/');
    for (let stop = 0; stop < 12 && !(await focused(page)).startsWith('failed'); stop++)
      await page.keyboard.press('Tab');
    expect(await focused(page)).toContain('S005-paged-changed-areas');
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).toBe('solid');
    await page.keyboard.press('Enter');
    // The page draws it when it hears that it was opened.
    await page.locator('.run[open] .timeline').waitFor();
    expect(await page.locator('.run[open] .timeline').count()).toBe(1);
    await page.keyboard.press('Space');
    expect(await page.locator('.run[open]').count()).toBe(0);
  });

  it.each(['light', 'dark'] as const)('is readable on a phone, %s, with everything open', async (scheme) => {
    const page = await looker.open(file, { width: 390, scheme });
    expect(await overflow(page)).toBe(0);
    if (scheme === 'dark') await takePicture(page, 'report-phone.png');
    await page.evaluate(`for (const part of document.querySelectorAll('details')) part.open = true`);
    await page.locator('.timeline').first().waitFor();
    expect(await overflow(page)).toBe(0);
    const size = await page.evaluate<string>(
      `getComputedStyle(document.querySelector('.timeline td[data-lane]')).fontSize`,
    );
    expect(Number.parseFloat(size)).toBeGreaterThanOrEqual(12);
  });

  it('is printed with its failures open', async () => {
    const page = await looker.open(file);
    await page.emulateMedia({ media: 'print' });
    await page.evaluate(`dispatchEvent(new Event('beforeprint'))`);
    expect(await page.locator('.run[open] .timeline').count()).toBe(6);
    expect(await page.locator('.filter').isVisible()).toBe(false);
    await page.evaluate(`dispatchEvent(new Event('afterprint'))`);
    expect(await page.locator('.run[open]').count()).toBe(0);
  });

  it('bears a hundred failures of servers with hostile names, in less than two megabytes', async () => {
    const bad = report.results.find(({ outcome }) => outcome === 'failed');
    const name = '</script><script>alert(1)</script><img src=x onerror=alert(2)>';
    const results = Array.from({ length: 100 }, (_, at) => hostile(bad, `S${at}${name}`, name));
    const place = render('hostile.html', { results, seed: name });
    expect(statSync(place).size).toBeLessThan(2 * 2 ** 20);
    const page = await looker.open(place, { hash: '#run-99' });
    expect(await visible(page)).toBe(100);
    expect(await page.locator('#run-99 .timeline').innerText()).toContain('<img src=x');
    expect(await page.locator('script').count()).toBe(2);
    expect(await page.locator('img').count()).toBe(0);
    expect(await overflow(page)).toBe(0);
  });

  it('has nothing to complain about when nothing failed', async () => {
    const results = report.results.filter(({ outcome }) => outcome === 'passed');
    const verdict = { outcome: 'pass', sentence: 'The engine conforms.', warnings: 0 } as const;
    const page = await looker.open(render('passed.html', { results, verdict, rules: [] }));
    expect(await page.locator('.problems').count()).toBe(0);
    expect(await visible(page)).toBe(3);
  });
});

function hostile(bad: ReportedResult | undefined, scenario: string, name: string): ReportedResult {
  if (bad?.timeline === undefined) throw new Error('there is no failure to copy');
  const rows = bad.timeline.rows.map((row) => ({ ...row, text: `${row.text} ${name}` }));
  return { ...bad, scenario, title: name, reason: name, timeline: { ...bad.timeline, rows } };
}

describe('pictures of the report in the README', () => {
  it('are there, and small', () => {
    const names = [...readFileSync('README.md', 'utf8').matchAll(/docs\/images\/[\w-]+\.png/g)].map(
      ([name]) => name,
    );
    expect(names.length).toBeGreaterThan(0);
    for (const name of names)
      expect([name, existsSync(name) && statSync(name).size < 250_000]).toEqual([name, true]);
  });
});
