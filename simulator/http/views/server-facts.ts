/** What the list and the detail of servers say alike. @fidelity assumed */
import type { Server, ServerDisk } from '../../domain/world-api.ts';
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

/** @source SCP OpenAPI 6.11.1, kinds of disks @fidelity documented (the kinds), assumed (which one a hot-added disk is) */
const DISK_TYPES: Readonly<Record<ServerDisk['purpose'], string>> = {
  normal: 'new_disk',
  backup: 'derive_disk',
  restore: 'exist_disk',
};

export const diskType = ({ purpose }: ServerDisk): string => DISK_TYPES[purpose];
