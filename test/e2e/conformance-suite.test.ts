import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defineConformanceSuite } from '../../index.ts';

const SMALL = `id: S900-small
title: A small server is backed up
rule: A product must be able to do this.
why: Otherwise nothing works at all.
engines: [nbd]
world:
  servers: [{ name: vm1, disks: [{ slot: ide0, size: 64KiB, content: { allocated: 1 } }] }]
steps: [{ backup: { expect: { kind: full } } }]
`;

describe('conformance suite as a library', () => {
  it('drives a program over real sockets', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'backlot-suite-'));
    const file = join(folder, 'small.yaml');
    writeFileSync(file, SMALL);
    const tests: { readonly name: string; readonly body: () => Promise<void> }[] = [];
    let close = async (): Promise<void> => undefined;
    defineConformanceSuite({
      engine: `exec:${resolve('examples/engines/reference/engine.mjs')}`,
      scenarios: [file],
      describe: (_name, body) => body(),
      it: (name, body) => tests.push({ name, body: async () => body({ skip: () => undefined }) }),
      afterAll: (body) => (close = body),
    });
    for (const { body } of tests) await body();
    await close();
    rmSync(folder, { recursive: true });
    expect(tests.filter(({ name }) => name.startsWith('S900')).map(({ name }) => name)).toEqual([
      'S900-small with nbd: A small server is backed up',
    ]);
    expect(tests.length).toBeGreaterThan(60);
  });
});
