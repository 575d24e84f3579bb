/** What a server's resource pool supports of agentless backup. */
import { isAtLeast } from './pool-version.ts';
import type { BackupResources } from './world-api.ts';
import type { ServerRecord, WorldState } from './world-state.ts';

/** @source SCP OpenAPI 6.11.1, backup-resources/supports @fidelity documented; `hotadd` and the newer version assumed */
export function supportsOf(state: WorldState, server: ServerRecord): ReturnType<BackupResources['supports']> {
  const poolVersion = state.pools.find((pool) => pool.id === server.poolId)?.version ?? '6.10.0';
  const isHotAdd = state.settings.isHotAddOffered && isAtLeast(poolVersion, [6, 11, 3]);
  return {
    versions: poolVersion === '6.10.0' ? ['6.10.0'] : ['6.10.0', poolVersion],
    transportModes: [
      'nbd',
      ...(state.settings.isTlsOffered ? (['nbd_ssl'] as const) : []),
      ...(isHotAdd ? (['hotadd'] as const) : []),
    ],
  };
}
