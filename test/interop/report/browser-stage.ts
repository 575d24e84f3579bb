/** A real browser, and everything that it complains about or asks the network for. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { findPeer } from '../peers.ts';

export interface Looker extends AsyncDisposable {
  /** Opens a file; what goes wrong from then on is in `troubles`. */
  readonly open: (
    file: string,
    how?: { width?: number; scheme?: 'light' | 'dark'; hash?: string },
  ) => Promise<Page>;
  readonly troubles: string[];
}

export async function startBrowser(): Promise<Looker> {
  // Root in a container has no sandbox; the pages are our own.
  const browser: Browser = await chromium.launch({
    executablePath: findPeer('chromium') ?? 'chromium',
    args: ['--no-sandbox'],
  });
  const troubles: string[] = [];
  return {
    troubles,
    open: async (file, { width = 1100, scheme = 'light', hash = '' } = {}) => {
      const page = await browser.newPage({
        viewport: { width, height: 800 },
        colorScheme: scheme,
        reducedMotion: 'reduce',
      });
      page.setDefaultTimeout(5000);
      page.on('console', (message) => troubles.push(`console: ${message.text()}`));
      page.on('pageerror', (error) => troubles.push(`error: ${error.message}`));
      page.on('dialog', (dialog) => {
        troubles.push(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      page.on('request', (request) => {
        if (!request.url().startsWith(`file://${file}`)) troubles.push(`request: ${request.url()}`);
      });
      await page.goto(`file://${file}${hash}`);
      return page;
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
