import { describe, expect, it } from 'vitest';
import { LeaseKeeper } from '../../../src/engine/lease-keeper.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import type { BackupResource, ScpClient } from '../../../src/sdk/scp-client-api.ts';
import { ScpError } from '../../../src/sdk/scp-error.ts';

const LOCK_SECONDS = 60;

/** A platform with one lock; each call can be made to fail, before or after its effect. */
class OneLock {
  readonly clock = new VirtualClock(0);
  deadlineMs = LOCK_SECONDS * 1000;
  renewalsSeen = 0;
  renewal: 'works' | 'is lost' | 'reply is lost' | 'hangs' = 'works';
  isReadable = true;
  status: BackupResource['status'] = 'running';

  readonly scp = {
    with: () => this.scp,
    renewBackupResource: async () => {
      this.renewalsSeen++;
      if (this.renewal === 'hangs') await new Promise(() => {});
      if (this.renewal === 'is lost') throw new Error('no answer');
      this.deadlineMs = this.clock.now() + LOCK_SECONDS * 1000;
      if (this.renewal === 'reply is lost') throw new Error('no answer');
      return { taskId: 't' };
    },
    backupResource: async () => {
      if (!this.isReadable) throw new Error('no answer');
      if (this.clock.now() >= this.deadlineMs)
        throw new ScpError('backup-resources.get', { status: 404, code: '404', message: 'gone' });
      const remainSeconds = Math.ceil((this.deadlineMs - this.clock.now()) / 1000);
      return { serverId: 'v', status: this.status, remainSeconds, caCert: '', hostId: undefined };
    },
  } as unknown as ScpClient;

  keep(): LeaseKeeper {
    const terms = {
      scp: this.scp,
      clock: this.clock,
      resourceId: 'r',
      lockTimeSeconds: LOCK_SECONDS,
      renewEveryMs: 20_000,
    };
    const keeper = new LeaseKeeper(terms, 0, LOCK_SECONDS);
    keeper.start();
    return keeper;
  }
}

describe('the keeper of a lease', () => {
  it('renews in good time, for as long as it is let', async () => {
    const lock = new OneLock();
    const keeper = lock.keep();
    await lock.clock.advanceBy(3_600_000);
    expect(keeper.signal.aborted).toBe(false);
    expect(keeper.renewals).toBeGreaterThanOrEqual(175);
    expect(keeper.renewals).toBeLessThanOrEqual(185);
    await keeper.stop();
  });

  it('believes the remaining time more than a lost reply', async () => {
    const lock = new OneLock();
    lock.renewal = 'reply is lost';
    const keeper = lock.keep();
    await lock.clock.advanceBy(600_000);
    expect(keeper.signal.aborted).toBe(false);
    expect(keeper.renewals).toBeGreaterThan(20);
    await keeper.stop();
  });

  it.each(['is lost', 'hangs'] as const)('tries again soon when a renewal %s', async (failure) => {
    const lock = new OneLock();
    lock.renewal = failure;
    const keeper = lock.keep();
    await lock.clock.advanceBy(45_000);
    expect(lock.renewalsSeen).toBeGreaterThanOrEqual(2);
    lock.renewal = 'works';
    await lock.clock.advanceBy(600_000);
    expect(keeper.signal.aborted).toBe(false);
    await keeper.stop();
  });

  it('says that the lock is lost when the platform does not know it any more', async () => {
    const lock = new OneLock();
    const keeper = lock.keep();
    await lock.clock.advanceBy(5000);
    lock.deadlineMs = 0;
    lock.renewal = 'is lost';
    await lock.clock.advanceBy(20_000);
    expect(keeper.signal.reason).toMatchObject({ name: 'Setback', kind: 'lease-lost' });
    await expect(keeper.check()).rejects.toMatchObject({ kind: 'lease-lost' });
    await keeper.stop();
  });

  it('renews no more when somebody asks between two renewals and the lock is lost', async () => {
    const lock = new OneLock();
    const keeper = lock.keep();
    await lock.clock.advanceBy(5000);
    lock.status = 'expired';
    await expect(keeper.check()).rejects.toMatchObject({ kind: 'lease-lost' });
    await lock.clock.advanceBy(60_000);
    expect(lock.renewalsSeen).toBe(0);
    await keeper.stop();
  });

  it('does not take a resource for its own that ended', async () => {
    const lock = new OneLock();
    const keeper = lock.keep();
    lock.status = 'cancelled';
    await expect(keeper.check()).rejects.toMatchObject({ message: expect.stringContaining('cancelled') });
    await keeper.stop();
  });

  it('gives the lock up at its last known deadline when the platform is silent', async () => {
    const lock = new OneLock();
    lock.renewal = 'is lost';
    lock.isReadable = false;
    const keeper = lock.keep();
    await lock.clock.advanceBy(58_000);
    expect(keeper.signal.aborted).toBe(false);
    await lock.clock.advanceBy(10_000);
    expect(keeper.signal.aborted).toBe(true);
    await keeper.stop();
  });

  it('stops at once, in the middle of a renewal that hangs', async () => {
    const lock = new OneLock();
    lock.renewal = 'hangs';
    const keeper = lock.keep();
    await lock.clock.advanceBy(21_000);
    await lock.clock.run(keeper.stop());
    expect(lock.clock.now()).toBe(21_000);
    expect(keeper.signal.aborted).toBe(false);
  });
});
