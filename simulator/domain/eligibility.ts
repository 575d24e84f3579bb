/**
 * Which servers agentless backup takes.
 *
 * @source product documentation, agentless backup: eligibility of virtual machines @fidelity documented
 */
import { PROXY_OS_NAME } from '../../src/contract/assumed.ts';
import { ApiError } from '../../src/contract/errors.ts';
import type { ServerRecord } from './world-state.ts';

const RULES: readonly { readonly reason: string; readonly applies: (server: ServerRecord) => boolean }[] = [
  { reason: 'turbo mode is enabled', applies: (server) => server.isTurboMode },
  { reason: 'it is a backup proxy', applies: (server) => isProxy(server) },
  { reason: 'it is a desktop in revert mode', applies: (server) => server.isDesktopRevert },
  { reason: 'it has internal snapshots', applies: hasInternalSnapshots },
];

/** @source product documentation 6.11.3, backup proxies: the type is set by editing the server @fidelity documented */
export function isProxy(server: ServerRecord): boolean {
  return server.osName === PROXY_OS_NAME;
}

/** @throws SERVER_INELIGIBLE */
export function refuseIneligible(server: ServerRecord): void {
  const rule = RULES.find((candidate) => candidate.applies(server));
  if (rule !== undefined) throw new ApiError('SERVER_INELIGIBLE', rule.reason);
}

function hasInternalSnapshots(server: ServerRecord): boolean {
  return [...server.snapshots.values()].some((snapshot) => snapshot.type === 'qcow2');
}
