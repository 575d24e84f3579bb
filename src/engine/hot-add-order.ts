/** What is to be attached, and where. */
import type { AgentLink } from './agent-link.ts';
import type { ProxyAddress } from './proxy-agent.ts';

/** A disk of the server as HotAdd names it. */
export interface SourceDisk {
  readonly deviceId: string;
  readonly diskId: string;
  readonly datastoreId: string;
  readonly sizeBytes: number;
}

export interface AttachOrder {
  readonly proxy: ProxyAddress;
  readonly link: AgentLink;
  readonly disks: readonly SourceDisk[];
  readonly serverId: string;
  /** Absent: the disks themselves, to be written. */
  readonly snapshotId?: string | undefined;
  readonly signal: AbortSignal;
}

export const idsOf = (disks: readonly SourceDisk[]): readonly string[] => disks.map(({ diskId }) => diskId);
