/** What is read and written in the guest of a proxy, and when disks go. */
import { judgeEach } from '../judging.ts';
import type { HotAddedLife, Observation } from '../observation.ts';
import { idAfter, isDone } from '../read-calls.ts';
import { hotAddCallsOf, isAttachedAt } from '../readings/hot-add-calls.ts';
import { isHeard, isKilledBetween } from '../readings/jobs.ts';
import { WRITES } from '../readings/disk-io.ts';
import type { Rule } from '../rule-api.ts';

export const HOTADD_GUEST_RULES: readonly Rule[] = [
  {
    id: 'HOTADD-7',
    title: 'reads and writes only devices of disks that it has added itself',
    level: 'must',
    clause:
      "A proxy may show disks of several jobs and products. Which device is which disk only its serial number tells; order and names are the guest kernel's own business.",
    source: 'HCI 6.11.3 guide, HotAdd; virtio 1.2, block device',
    fidelity: 'assumed',
    breaks:
      'The backup holds the disk of another server, complete and readable, and nobody notices before the restore.',
    evidence: 'guest.io on disks, against who had them attached',
    remedy: 'Find the device by its serial number, check its size, and wait or give up when none fits.',
    scenarios: ['S043-race-lost-to-a-stranger', 'S054-devices-in-another-order'],
    mutants: ['sniffs-at-every-device'],
    needs: ['hotadd'],
    judge: (seen) =>
      judgeEach(used(seen), ({ life, first }) =>
        life.actor !== undefined
          ? undefined
          : {
              at: first.n,
              expected: 'only disks that this engine has added are touched',
              actual: `${first.command} of ${first.device}, which is disk ${life.id} of somebody else`,
              evidence: [life.n],
            },
      ),
  },
  {
    id: 'HOTADD-8',
    title: 'writes nothing to a clone that it backs up from',
    level: 'must',
    clause: 'The clone is there to be read. What is written to it is in the backup, and nowhere else.',
    source: 'Vendor workflow, HotAdd, step d',
    fidelity: 'documented',
    breaks:
      "The restore point has bytes that the server never had: a signature, a mounted file system's journal.",
    evidence: 'guest.io WRITE, WRITE_ZEROES and TRIM on disks that are attached for backup',
    remedy: 'Open the device read-only; switch automatic mounting off in the guest of the proxy.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['writes-to-the-clone'],
    needs: ['hotadd'],
    judge: (seen) =>
      judgeEach(
        own(seen).filter(({ purpose }) => purpose === 'backup'),
        (life) => {
          const write = ioOf(seen, life).find(({ command, n }) => WRITES.has(command) && !isSigned(seen, n));
          return write === undefined
            ? undefined
            : {
                at: write.n,
                expected: 'a clone that is only read',
                actual: shown(write),
                evidence: [life.n],
              };
        },
      ),
  },
  {
    id: 'HOTADD-9',
    title: 'detaches its disks before it deletes the backup resource and the snapshot behind them',
    level: 'must',
    clause: 'The order of the end: disks off the proxy, then the backup resource, then the snapshot.',
    source: 'Vendor workflow, HotAdd, steps e to (6)',
    fidelity: 'documented',
    breaks:
      'The snapshot cannot be deleted and stays; the clone hangs on the proxy and takes a slot for ever.',
    evidence:
      'rest.request backup-resources.delete and snapshots.delete while a disk that stands on them is attached and nobody has asked for its removal',
    remedy:
      'Remove the disks, wait for the end of the task, see that they are gone, then delete the resource, then the snapshot.',
    scenarios: ['S044-two-engines-on-one-proxy', 'S001-full-backup-and-restore'],
    mutants: ['resource-before-detach', 'never-detaches'],
    needs: ['hotadd'],
    judge: (seen) =>
      judgeEach(
        own(seen).filter(({ createdBy }) => createdBy !== undefined && isHeard(seen, createdBy)),
        (life) => {
          const call = deletionUnder(seen, life);
          return call === undefined
            ? undefined
            : {
                at: call.n,
                expected: `disk ${life.id} off proxy ${life.proxy} before that`,
                actual: `${call.operation} while it was attached, and its removal not asked for`,
                evidence: [life.n],
              };
        },
      ),
  },
  {
    id: 'HOTADD-10',
    title: 'has done with a device when it asks for its removal',
    level: 'must',
    clause: 'A disk is removed when all that was to be read or written has been.',
    source: 'Vendor workflow, HotAdd, steps d and e',
    fidelity: 'documented',
    breaks:
      "The last reads fail or, where the device name is given to another disk at once, bring that disk's bytes.",
    evidence: 'guest.io that is answered after the removal of its disk was accepted',
    remedy: 'Wait for the end of all reads and writes, close the device, then call for its removal.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['reads-on-after-the-removal'],
    needs: ['hotadd'],
    judge: (seen) =>
      judgeEach(own(seen), (life) => {
        const removal = life.deletedBy.find(isDone);
        const isDisturbed = seen.faults.some(({ on, n }) => on === 'guest' && n > life.n);
        if (removal === undefined || isDisturbed) return undefined;
        // What a dead engine's program in the guest had begun comes to its end by itself.
        if (isKilledBetween(seen, life.actor, life.n, removal.n)) return undefined;
        const late = ioOf(seen, life).find(
          ({ n, error, command }) => n > removal.n && error === 0 && USES.has(command),
        );
        return late === undefined
          ? undefined
          : {
              at: late.n,
              expected: 'no use of the device after its removal was asked for',
              actual: shown(late),
              evidence: [removal.n],
            };
      }),
  },
  {
    id: 'HOTADD-11',
    title: 'removes no disk from a proxy that it has not added',
    level: 'must',
    clause: 'A proxy may serve several jobs and products; each takes away its own disks.',
    source: 'Vendor workflow, HotAdd, step e; HCI 6.11.3 guide, several proxies',
    fidelity: 'documented',
    breaks: 'The backup of another product, or of another instance of this one, loses its disk in mid-read.',
    evidence: 'disk_ids of rest.request hot-add.remove, against who had those disks attached',
    remedy: 'Keep the ids of the disks that were added, durably, and name no others.',
    scenarios: ['S064-proxy-in-use-by-others', 'S001-full-backup-and-restore'],
    mutants: ['detaches-disks-of-others'],
    needs: ['hotadd'],
    judge: (seen) =>
      judgeEach(
        hotAddCallsOf(seen).filter(({ kind }) => kind === 'remove'),
        (call) => {
          const foreign = seen.hotAdded.find(
            (life) =>
              life.proxy === call.proxy &&
              life.actor !== call.actor &&
              isAttachedAt(life, call.n) &&
              call.disks.some(({ disk }) => disk === life.id),
          );
          return foreign === undefined
            ? undefined
            : {
                at: call.n,
                expected: 'only disks that this engine has added',
                actual: `disk ${foreign.id} of somebody else`,
                evidence: [foreign.n],
              };
        },
      ),
  },
];

type GuestIo = Observation['guestIo'][number];

function own({ hotAdded }: Observation): readonly HotAddedLife[] {
  return hotAdded.filter(({ actor }) => actor !== undefined);
}

const shown = ({ command, length, offset, device }: GuestIo): string =>
  `${command} of ${length} bytes at ${offset} of ${device}`;

/** A flush is none: a guest's kernel sends one of its own when a disk goes. */
const USES: ReadonlySet<string> = new Set(['READ', ...WRITES]);

function ioOf({ guestIo }: Observation, life: HotAddedLife): readonly GuestIo[] {
  return guestIo.filter(
    ({ disk, server, n }) =>
      disk === life.id &&
      server === life.proxy &&
      n > life.n &&
      n < (life.end?.n ?? Number.POSITIVE_INFINITY),
  );
}

/** The guest's own system was made to write, as a planned fault. */
function isSigned({ faults }: Observation, n: number): boolean {
  return faults.some((fault) => fault.kind === 'guest-signature' && fault.n < n);
}

interface UsedDisk {
  readonly life: HotAddedLife;
  readonly first: GuestIo;
}

function used(seen: Observation): readonly UsedDisk[] {
  return seen.hotAdded.flatMap((life) => {
    const [first] = ioOf(seen, life);
    return first === undefined ? [] : [{ life, first }];
  });
}

/** Also the disk that a guest will not let go may lose what it stands on: its removal was asked for. */
function deletionUnder({ calls }: Observation, life: HotAddedLife) {
  return calls.find((call) => {
    if (call.actor !== life.actor || !isAttachedAt(life, call.n)) return false;
    if (life.deletedBy.some(({ n }) => n < call.n)) return false;
    if (call.operation === 'backup-resources.delete')
      return idAfter(call, 'backup-resources') === life.resource;
    return call.operation === 'snapshots.delete' && idAfter(call, 'snapshots') === life.snapshot;
  });
}
