/** What the list and the detail of servers say alike. @fidelity assumed */
import type { Server } from '../../domain/world-api.ts';
import { stableUuid } from './derived.ts';

export const MIB = 2 ** 20;

/** Everything belongs to one user. */
export const USER_ID = stableUuid('user');

export const advanceFlags = (server: Server) => ({
  abnormal_recovery: 1,
  balloon_memory: 1,
  cpu_exclusive: 0,
  ha: 1,
  numa: 1,
  onboot: 0,
  schedopt: 1,
  tpm: 0,
  turbo_mode_enabled: server.isTurboMode ? 1 : 0,
});

/** Short code of the guest system. */
export const osType = ({ osKernel }: Server): string => (osKernel === 'windows' ? 'w2k19' : 'l2664');
