/**
 * What a call of HotAdd asks for. SCP and HCI have it both, with fields of other names; whoever wants to know reads it
 * here.
 */
import type { Json } from '../../src/kernel/journal.ts';
import { listOf, textOf } from './read-json.ts';

export interface AskedDisk {
  /** Empty when it is no text. */
  readonly disk: string;
  /** `backup` for a clone of a snapshot, `restore` for the disk itself. */
  readonly purpose: string | undefined;
  /** As the call names it: HCI takes its own ids of servers too. */
  readonly source: string | undefined;
  readonly snapshot: string | undefined;
}

export interface HotAddAsked {
  readonly kind: 'add' | 'remove';
  readonly disks: readonly AskedDisk[];
}

interface FieldNames {
  readonly disk: string;
  readonly purpose: string;
  readonly source: string;
  readonly snapshot: string;
  /** Of the list of ids of a removal. */
  readonly removed: string;
}

/** @fidelity assumed */
const SCP: FieldNames = {
  disk: 'disk_id',
  purpose: 'application_type',
  source: 'source_server_id',
  snapshot: 'snapshot_id',
  removed: 'disk_ids',
};

/** @fidelity assumed */
const HCI: FieldNames = {
  disk: 'diskId',
  purpose: 'applicationType',
  source: 'sourceVmId',
  snapshot: 'snapshotId',
  removed: 'diskIds',
};

type ReadBody = (body: Json | undefined) => HotAddAsked;

const READERS: ReadonlyMap<string, ReadBody> = new Map([
  ['hot-add.add', readAdd(SCP)],
  ['hot-add.remove', readRemove(SCP)],
  ['hci.hot-add.add', readAdd(HCI)],
  ['hci.hot-add.remove', readRemove(HCI)],
]);

/** `undefined` for any other call. A body that was too long for the journal has no disks. */
export function readHotAdd(operation: string, body: Json | undefined): HotAddAsked | undefined {
  return READERS.get(operation)?.(body);
}

function readAdd(names: FieldNames): ReadBody {
  return (body) => ({
    kind: 'add',
    disks: listOf(body, 'disks').map((disk) => ({
      disk: textOf(disk, names.disk) ?? '',
      purpose: textOf(disk, names.purpose),
      source: textOf(disk, names.source),
      snapshot: textOf(disk, names.snapshot),
    })),
  });
}

function readRemove({ removed }: FieldNames): ReadBody {
  return (body) => ({
    kind: 'remove',
    disks: listOf(body, removed).map((id) => ({
      disk: textOf(id) ?? '',
      purpose: undefined,
      source: undefined,
      snapshot: undefined,
    })),
  });
}
