/** The reference engine over NBD, NBDSSL and HotAdd. */
import { createScpClient } from '../sdk/scp-client.ts';
import { runBackup } from './backup-job.ts';
import type { Engine, EngineEnvironment, EngineOptions } from './engine-api.ts';
import { HostSlots } from './host-slots.ts';
import { removeAllLeftovers } from './leftovers.ts';
import { type EngineKit, runJob } from './open-job.ts';
import { ProxyDesk } from './proxy-queue.ts';
import { runRestore } from './restore-job.ts';
import { resolveSettings } from './settings.ts';
import { runUnprotect } from './unprotect-job.ts';

/** @throws RangeError for an option out of its range */
export function createEngine(env: EngineEnvironment, options: EngineOptions = {}): Engine {
  const settings = resolveSettings(options);
  const kit: EngineKit = {
    env,
    settings,
    hostSlots: new HostSlots(settings.maxConnectionsPerHost),
    desk: new ProxyDesk(settings.maxDisksPerProxy),
    scp: createScpClient({
      transport: env.scp,
      credentials: env.credentials,
      clock: env.clock,
      ids: env.ids,
    }),
  };
  return {
    backup: (job) => runJob(kit, 'backup', job.signal, (context) => runBackup(context, job)),
    restore: (job) => runJob(kit, 'restore', job.signal, (context) => runRestore(context, job)),
    unprotect: (job) => runJob(kit, 'backup', job.signal, (context) => runUnprotect(context, job)),
    cleanup: () =>
      runJob(kit, 'backup', undefined, async (context) => ({
        removed: await removeAllLeftovers(context),
        warnings: context.warnings,
      })),
  };
}
