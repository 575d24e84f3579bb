/** What the first byte of a restore does to a server, whatever way the byte came. */
import { expireCbt } from './cbt.ts';
import type { ResourceRecord, WorldState } from './world-state.ts';

/** @source product documentation, CBT: the checkpoint is invalid after a restore @fidelity documented */
export function noteFirstWrite(state: WorldState, resource: ResourceRecord): void {
  if (resource.hasWritten) return;
  resource.hasWritten = true;
  expireCbt(state, resource.server, `restore through backup resource ${resource.id}`);
}
