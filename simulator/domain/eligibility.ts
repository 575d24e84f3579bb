/**
 * Which servers agentless backup takes.
 *
 * @source product documentation, agentless backup: eligibility of virtual machines @fidelity documented
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { ServerRecord } from './world-state.ts';

const RULES: readonly { readonly reason: string; readonly applies: (server: ServerRecord) => boolean }[] = [
  { reason: 'turbo mode is enabled', applies: (server) => server.isTurboMode },
  { reason: 'it is a backup proxy', applies: (server) => server.osName === 'Backup Proxy' },
  { reason: 'it is a desktop in revert mode', applies: (server) => server.isDesktopRevert },
  { reason: 'it has internal snapshots', applies: hasInternalSnapshots },
];

/** @throws SERVER_INELIGIBLE */
export function refuseIneligible(server: ServerRecord): void {
  const rule = RULES.find((candidate) => candidate.applies(server));
  if (rule !== undefined) throw new ApiError('SERVER_INELIGIBLE', rule.reason);
}

function hasInternalSnapshots(server: ServerRecord): boolean {
  return [...server.snapshots.values()].some((snapshot) => snapshot.type === 'qcow2');
}
