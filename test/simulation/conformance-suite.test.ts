import { afterAll, describe, expect, it } from 'vitest';
import { type ConformanceFailure, createEngine, defineConformanceSuite } from '../../index.ts';
import type { CreateEngine } from '../../harness/runner/seams.ts';

/** Takes the first page of changed areas for the whole list. */
const firstPageOnly: CreateEngine = (environment, options) => {
  const { scp } = environment;
  const send: typeof scp.send = async (request, signal) => {
    const response = await scp.send(request, signal);
    if (!request.path.includes('/cbt/changed-areas')) return response;
    const body = JSON.parse(response.body) as { data?: { length?: number } };
    return { ...response, body: JSON.stringify({ ...body, data: { ...body.data, length: 4 * 2 ** 20 } }) };
  };
  return createEngine({ ...environment, scp: { send, close: () => scp.close() } }, options);
};

interface Told {
  readonly name: string;
  readonly end: string;
}

/** A runner that plays the tests at once and writes down how each ended. */
async function play(engine: CreateEngine, scenarios: readonly string[]): Promise<readonly Told[]> {
  const tests: { readonly name: string; readonly body: () => Promise<string> }[] = [];
  let close = async (): Promise<void> => undefined;
  defineConformanceSuite({
    engine,
    scenarios,
    capabilities: ['nbd', 'incremental', 'restore-new'],
    describe: (_name, body) => body(),
    afterAll: (body) => (close = body),
    it: (name, body) =>
      tests.push({
        name,
        body: async () => {
          let skipped = '';
          await body({ skip: (why = '') => (skipped = `skipped: ${why}`) });
          return skipped || 'passed';
        },
      }),
  });
  const told: Told[] = [];
  for (const { name, body } of tests)
    told.push({ name, end: await body().catch((error: ConformanceFailure) => `failed: ${error.message}`) });
  await close();
  return told;
}

const endOf = (told: readonly Told[], beginning: string): string =>
  told.find(({ name }) => name.startsWith(beginning))?.end ?? 'there is no such test';

describe('conformance suite as a library', () => {
  it('says of a broken engine what is wrong, where on the disk, and how to repeat it', async () => {
    const told = await play(firstPageOnly, ['S006']);
    const failure = endOf(told, 'S006-paging-at-the-edges with nbd');
    expect(failure).toContain('failed: S006-paging-at-the-edges with nbd: failed');
    expect(failure).toMatch(/vm1\/ide0: 1 block that the engine neither asked about nor read: at 3 MiB/);
    expect(failure).toContain('What happened last:');
    expect(failure).toContain('Repeat it: npx vitest run -t "S006-paging-at-the-edges with nbd" (seed 1)');
    const rule = endOf(told, 'CBT-9:');
    expect(rule).toContain('failed: CBT-9, must: a conforming engine asks for changed areas until the end');
    expect(rule).toContain('cbt.changed-areas answers 200');
  });

  it('passes scenarios and rules for a sound engine, and skips rules that nothing exercised or that need more', async () => {
    const told = await play(createEngine, ['S006']);
    expect(told.filter(({ end }) => end.startsWith('failed'))).toEqual([]);
    expect(told.filter(({ name }) => name.startsWith('S006')).map(({ end }) => end)).toEqual(['passed']);
    expect(endOf(told, 'CBT-9:')).toBe('passed');
    expect(endOf(told, 'HOTADD-1:')).toBe('skipped: the engine does not declare what it needs');
    expect(told.filter(({ end }) => end === 'skipped: no scenario has exercised it').length).toBeGreaterThan(
      5,
    );
  });

  it('refuses to be empty', () => {
    const none = {
      engine: createEngine,
      scenarios: ['S054'],
      capabilities: ['nbd'],
      describe,
      it,
      afterAll,
    } as const;
    expect(() => defineConformanceSuite(none)).toThrow('no scenario is meant for this engine');
    expect(() => defineConformanceSuite({ engine: createEngine })).toThrow('there is no describe and it');
  });
});
