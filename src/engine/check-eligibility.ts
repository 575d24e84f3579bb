/**
 * Whether a server can be backed up without an agent, and a clear reason where not.
 * @source SCP 6.11.3 guide, eligible VMs; workflow of VM backups
 * @fidelity documented
 */
import type { ServerItem, SnapshotItem } from '../sdk/scp-client-api.ts';
import type { NetworkTransport } from './engine-api.ts';
import { Refusal } from './job-failed.ts';

interface Rule {
  readonly isBroken: (server: ServerItem) => boolean;
  readonly reason: string;
  readonly hint: string;
}

const RULES: readonly Rule[] = [
  {
    isBroken: (server) => server.platform !== 'hci',
    reason: 'is not on HCI',
    hint: 'only servers of HCI pools can be backed up without an agent',
  },
  {
    isBroken: (server) => server.kind !== 'vm' && server.kind !== 'derive',
    reason: 'is no ordinary virtual machine',
    hint: 'back its data up from inside the guest',
  },
  {
    isBroken: (server) => server.osName === 'Backup Proxy',
    reason: 'is a backup proxy',
    hint: 'proxies hold no data of their own; leave it out of the job',
  },
  {
    isBroken: (server) => server.isTurboMode,
    reason: 'runs in turbo mode',
    hint: 'switch turbo mode off, or back it up from inside the guest',
  },
  {
    isBroken: (server) => server.isRevertingDesktop,
    reason: 'is a desktop that reverts at every start',
    hint: 'leave it out of the job',
  },
  {
    isBroken: (server) => server.status !== 'running' && server.status !== 'stopped',
    reason: 'is neither running nor shut down',
    hint: 'start it or shut it down, then run the backup again',
  },
];

/** @throws Refusal for the first rule that is broken */
export function checkEligibility(server: ServerItem): void {
  const broken = RULES.find((rule) => rule.isBroken(server));
  if (broken !== undefined) throw new Refusal(`${server.name} ${broken.reason}`, broken.hint);
}

/** Storage snapshots have the only limit that is documented for current platforms. */
const MAX_STORAGE_SNAPSHOTS = 48;

/** @throws Refusal for snapshots that rule a backup out, and where there is no room for one more */
export function checkSnapshots(server: ServerItem, snapshots: readonly SnapshotItem[]): void {
  const internal = snapshots.find((snapshot) => snapshot.type === 'qcow2');
  if (internal !== undefined)
    throw new Refusal(
      `${server.name} has an internal snapshot (${internal.name})`,
      'delete its internal snapshots; they rule out a backup without agent',
    );
  const stored = snapshots.filter((snapshot) => snapshot.type === 'vs');
  if (stored.length >= MAX_STORAGE_SNAPSHOTS)
    throw new Refusal(
      `${server.name} has ${stored.length} snapshots, which is the limit`,
      'delete snapshots that are no longer needed, then run the backup again',
    );
}

const MODE: Record<NetworkTransport, string> = { nbd: 'nbd', nbdssl: 'nbd_ssl' };

/** @throws Refusal when the pool does not offer the transport */
export function checkTransport(
  server: ServerItem,
  transport: NetworkTransport,
  modes: readonly string[],
): void {
  if (!modes.includes(MODE[transport]))
    throw new Refusal(
      `${server.name} cannot be read over ${transport}; its pool offers ${modes.join(', ') || 'nothing'}`,
      'choose another --transport, or enable the agentless backup service on the cluster',
    );
}
