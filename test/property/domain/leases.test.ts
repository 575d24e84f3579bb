/** Random lives of backup resources against plain arithmetic on instants; no timer ever fires. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { Journal } from '../../../src/kernel/journal.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { createWorld } from '../../../simulator/domain/create-world.ts';
import { codeOf } from '../../unit/domain/refusal.ts';
import { SERVER, inventory, serverSpec } from '../../unit/domain/small-world.ts';

const CREATE_MS = 1_500;
const KEPT_MS = 300_000;

const lock = fc.integer({ min: 60, max: 70 });
const which = fc.nat(3);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('create' as const), lock }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('renew' as const), which, lock }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), which }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 749, 1_499, 1_500, 30_000, 59_999, 60_000, 69_999, 299_999, 300_000),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** A resource by the instants that decide about it. */
interface Lease {
  readonly id: string;
  readonly runsAtMs: number;
  readonly isRefused: boolean;
  lockMs: number;
  renewedAtMs: number;
  releasedAtMs: number;
}

function statusAt(lease: Lease, nowMs: number): string {
  const deadlineMs = Math.max(lease.runsAtMs, lease.renewedAtMs) + lease.lockMs;
  const naturalEndMs = lease.isRefused ? lease.runsAtMs : deadlineMs;
  const endMs = Math.min(lease.releasedAtMs, naturalEndMs);
  if (nowMs >= endMs + KEPT_MS) return 'RESOURCE_GONE';
  if (nowMs >= endMs)
    return lease.releasedAtMs < naturalEndMs ? 'released' : lease.isRefused ? 'occupied' : 'expired';
  return nowMs < lease.runsAtMs ? 'pending' : 'running';
}

class Life {
  nowMs = 1_000_000;
  readonly leases: Lease[] = [];
  readonly world = createWorld({
    id: 'w',
    seed: 'leases',
    clock: {
      now: () => this.nowMs,
      setTimer: () => ({ cancel: () => undefined }),
      hold: () => () => undefined,
    },
    ids: createIdSource(createRng('leases')),
    rng: createRng('leases'),
    journal: new Journal({ now: () => this.nowMs }),
    inventory: inventory([serverSpec({ isRunning: false })]),
  });

  live(given: Step): void {
    switch (given.kind) {
      case 'wait':
        this.nowMs += given.ms;
        return;
      case 'create':
        return this.create(given.lock);
      case 'renew':
      case 'delete':
        return this.change(given);
    }
  }

  create(seconds: number): void {
    const isHeld = this.leases.some((lease) => !lease.isRefused && this.isActive(lease));
    const request = { serverId: SERVER, type: 'restore', lockTimeSeconds: seconds } as const;
    // The task of a holder that was deleted while pending keeps the server busy until its end.
    const isBusy = this.leases.some((lease) => !lease.isRefused && this.nowMs < lease.runsAtMs);
    if (!isHeld && isBusy) {
      expect(codeOf(() => this.world.backupResources.create(request, 'me'))).toBe('SERVER_BUSY');
      return;
    }
    const { resourceId } = this.world.backupResources.create(request, 'me');
    this.leases.push({
      id: resourceId,
      runsAtMs: this.nowMs + CREATE_MS,
      isRefused: isHeld,
      lockMs: seconds * 1000,
      renewedAtMs: 0,
      releasedAtMs: Number.POSITIVE_INFINITY,
    });
  }

  change(given: Extract<Step, { which: number }>): void {
    const lease = this.leases.at(-1 - given.which);
    if (lease === undefined) return;
    const expected = this.isActive(lease) ? 'no error' : 'RESOURCE_GONE';
    const { backupResources } = this.world;
    if (given.kind === 'delete') {
      expect(codeOf(() => backupResources.delete(lease.id, 'me'))).toBe(expected);
      if (expected === 'no error') lease.releasedAtMs = this.nowMs;
      return;
    }
    expect(codeOf(() => backupResources.renew(lease.id, given.lock, 'me'))).toBe(expected);
    if (expected !== 'no error') return;
    lease.lockMs = given.lock * 1000;
    lease.renewedAtMs = this.nowMs;
  }

  isActive(lease: Lease): boolean {
    return ['pending', 'running'].includes(statusAt(lease, this.nowMs));
  }

  check(): void {
    for (const lease of this.leases) {
      let status = '';
      const code = codeOf(() => {
        status = this.world.backupResources.get(lease.id).status;
      });
      expect(code === 'no error' ? status : code).toBe(statusAt(lease, this.nowMs));
    }
    const held = this.leases.filter((lease) => !lease.isRefused && this.isActive(lease));
    expect(held.length).toBeLessThanOrEqual(1);
  }
}

describe('backup resources', () => {
  it('are at every instant what their create, renew and delete calls make them', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50, size: 'max' }), (steps) => {
        const life = new Life();
        for (const given of steps) {
          life.live(given);
          life.check();
        }
      }),
      { numRuns: 300 },
    );
  });
});
