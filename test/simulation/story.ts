import { afterAll } from 'vitest';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';

/** The beginning of a story with one small server; a test adds the steps. */
export const STORY_HEAD = `id: W98-example
title: A story for the harness's own tests
rule: A product must be able to do this.
why: Otherwise nothing works at all.
world:
  servers:
    - name: vm1
      disks: [{ slot: ide0, size: 128KiB, content: { allocated: 1 } }]
engine: { lockTime: 60s, renewEvery: 20s, readBytes: 64KiB }
`;

/** One simulator for all tests of a file, which ends with them. */
export async function createFileSimulator(): Promise<Simulator> {
  const simulator = await createSimulator();
  afterAll(() => simulator[Symbol.asyncDispose]());
  return simulator;
}
