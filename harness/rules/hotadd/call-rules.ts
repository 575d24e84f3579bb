/** Which disks go to which proxy, in which calls. */
import { judgeEach } from '../judging.ts';
import type { Observation } from '../observation.ts';
import { isDone } from '../read-calls.ts';
import { type HotAddCall, hotAddCallsOf, isAttachedAt } from '../readings/hot-add-calls.ts';
import { isHeard, isKilledBetween, jobsAt } from '../readings/jobs.ts';
import { powerAt } from '../readings/power.ts';
import type { Rule } from '../rule-api.ts';

export const HOTADD_CALL_RULES: readonly Rule[] = [
  {
    id: 'HOTADD-1',
    title: 'adds all disks of a server in one call',
    level: 'must',
    clause:
      'To back up several disks at the same time, all of them are added in one call. Calls one by one race each other.',
    source: 'Vendor workflow, HotAdd, step c',
    fidelity: 'documented',
    breaks: 'The tasks of the calls collide at the proxy, and servers with several disks fail at random.',
    evidence:
      'rest.request hot-add.add for the same server and snapshot while the disks of an earlier call are attached, or its task runs',
    remedy:
      'List all disks of the server in one request. Split only where the proxy has no room for all, and then detach one batch before the next.',
    scenarios: ['S067-many-small-disks'],
    mutants: ['one-task-per-disk'],
    needs: ['hotadd'],
    judge: (seen) => judgeEach(adds(seen), (call) => splitCall(seen, call)),
  },
  {
    id: 'HOTADD-2',
    title: 'has at most one disk task on a proxy at a time',
    level: 'must',
    clause: 'Only one HotAdd task can exist on a backup proxy at a time; a second one fails.',
    source: 'Vendor workflow, HotAdd, step c',
    fidelity: 'documented',
    breaks: 'Jobs that share a proxy fail at random, the more often the more servers are backed up.',
    evidence:
      'rest.request hot-add.add and hot-add.remove against the task of an earlier one by the same engine on the same proxy',
    remedy:
      'Keep one queue per proxy for the whole product; ask for the next task when the one before has ended.',
    scenarios: ['S045-eight-servers-over-two-proxies', 'S081-two-jobs-race-in-one-engine'],
    mutants: ['hotadd-without-queue', 'one-task-per-disk'],
    needs: ['hotadd'],
    judge: (seen) =>
      judgeEach(hotAddCallsOf(seen), (call) => {
        const running = hotAddCallsOf(seen).find((other) => isStillAtWork(seen, other, call));
        return running === undefined
          ? undefined
          : {
              at: call.n,
              expected: `no disk task on proxy ${call.proxy} until the one before has ended`,
              actual: `${call.operation} while the task of call ${running.call} was at work`,
              evidence: [running.n],
            };
      }),
  },
  {
    id: 'HOTADD-3',
    title: 'adds disks only to a proxy that runs',
    level: 'must',
    clause: 'Disks can be hot-added only while the backup proxy is running, so it is started first.',
    source: 'Vendor workflow, HotAdd, step b',
    fidelity: 'documented',
    breaks: 'The first job after the proxy was off fails.',
    evidence:
      'rest.request hot-add.add against the power state of the proxy, as the engine could have seen it',
    remedy: 'Start the proxy, wait for the end of the task, look at its state, then add.',
    scenarios: ['S063-proxy-started-for-the-job'],
    mutants: ['adds-before-the-proxy-runs'],
    needs: ['hotadd'],
    judge: (seen) =>
      judgeEach(adds(seen), (call) => {
        const power = powerAt(seen, call.proxy, call.n) ?? 'running';
        return power === 'running' || !couldKnowPower(seen, call)
          ? undefined
          : { at: call.n, expected: `proxy ${call.proxy} is running`, actual: `it is ${power}` };
      }),
  },
  {
    id: 'HOTADD-4',
    title: 'takes a proxy whose host reaches the datastores of the disks',
    level: 'must',
    clause:
      'The datastores of the disks, the hosts that can access all of them, a backup proxy on one of those hosts: in this order the proxy is chosen.',
    source: 'Vendor workflow, HotAdd, step a',
    fidelity: 'documented',
    breaks: 'The platform declines, or only some disks of the server appear on the proxy.',
    evidence:
      'hot-add.add that the platform declines, at once or in its task, because the host cannot access the datastore',
    remedy:
      'Intersect host_ids of the datastores of all disks, and take a proxy whose host_id is among them.',
    scenarios: ['S061-proxy-that-reaches-the-disks'],
    mutants: ['takes-any-proxy'],
    needs: ['hotadd'],
    judge: (seen) =>
      judgeEach(adds(seen), (call) => {
        const refusedAt = call.task?.end?.n ?? call.reply?.n ?? call.n;
        const isOutage = seen.faults.some(({ n, kind }) => n < refusedAt && OUTAGES.has(kind));
        return isOutage || call.refusal === undefined || !UNREACHABLE.test(call.refusal)
          ? undefined
          : {
              at: call.n,
              expected: 'a proxy on a host that reaches all datastores of the disks',
              actual: call.refusal,
            };
      }),
  },
  {
    id: 'HOTADD-5',
    title: 'asks for fewer disks when the proxy has no room for all',
    level: 'must',
    clause:
      'A backup proxy holds as many disks as a server may have; what exceeds that is added when others are gone.',
    source: 'Vendor workflow, HotAdd, note 1',
    fidelity: 'documented',
    breaks: 'Servers with many disks are never backed up: the same call is refused again and again.',
    evidence:
      'hot-add.add after one that was refused for the number of disks: how many it names, and how many are attached by then',
    remedy:
      'Count the free slots of the proxy before the call; go in batches, each detached before the next.',
    scenarios: ['S052-more-disks-than-slots'],
    mutants: ['insists-on-all-disks'],
    needs: ['hotadd'],
    judge: (seen) =>
      judgeEach(afterFull(seen), ({ call, full }) =>
        call.disks.length < full.disks.length || attachedTo(seen, call) < attachedTo(seen, full)
          ? undefined
          : {
              at: call.n,
              expected: `fewer than ${full.disks.length} disks, or a proxy with more room`,
              actual: `${call.disks.length} disks asked for again`,
              evidence: [full.n],
            },
      ),
  },
  {
    id: 'HOTADD-6',
    title: 'backs up from linked clones of its own snapshot, not from the disks themselves',
    level: 'must',
    clause:
      'A backup adds linked clones of the disks as they are in the snapshot of the job. The disks themselves are for restores.',
    source: 'Vendor workflow, HotAdd, step c; SCP guide, recovery through HotAdd',
    fidelity: 'documented',
    breaks:
      'The guest goes on writing while its disk is read: the restore point never existed, and the proxy may damage the server.',
    evidence: 'application_type and snapshot_id in rest.request hot-add.add during backup jobs',
    remedy: 'Send application_type backup with the id of the snapshot that the job has taken.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['adds-the-live-disk'],
    needs: ['hotadd'],
    judge: (seen) =>
      judgeEach(addsForBackup(seen), (call) => {
        const wrong = call.disks.find((disk) => {
          const snapshot = seen.snapshots.find(({ id }) => id === disk.snapshot);
          return disk.purpose !== 'backup' || snapshot?.actor !== call.actor;
        });
        return wrong === undefined
          ? undefined
          : {
              at: call.n,
              expected: 'application_type backup, and a snapshot that this engine has taken',
              actual: `application_type ${wrong.purpose ?? 'missing'}, snapshot ${wrong.snapshot ?? 'missing'}`,
            };
      }),
  },
];

/** What the platform says, in its own words. @fidelity assumed */
const UNREACHABLE = /cannot access the datastore/i;
const NO_ROOM = /cannot have so many disks/i;
const OUTAGES: ReadonlySet<string> = new Set(['host-gone', 'datastore-offline']);

function adds(seen: Observation): readonly HotAddCall[] {
  return hotAddCallsOf(seen).filter(({ kind }) => kind === 'add');
}

function addsForBackup(seen: Observation): readonly HotAddCall[] {
  return adds(seen).filter(({ n, actor }) => {
    const jobs = jobsAt(seen, n).filter((job) => job.actor === actor);
    return jobs.length > 0 && jobs.every(({ operation }) => operation === 'backup');
  });
}

function splitCall(seen: Observation, call: HotAddCall) {
  const [disk] = call.disks;
  const before = adds(seen).find((other) => {
    const [first] = other.disks;
    const isSameServer = first?.source === disk?.source && first?.snapshot === disk?.snapshot;
    if (other.n >= call.n || other.proxy !== call.proxy || !isSameServer || !isDone(other)) return false;
    const isOther = call.disks.some((one) => other.disks.every((two) => two.disk !== one.disk));
    return isOther && (isStillAtWork(seen, other, call) || isStillThere(seen, other, call.n));
  });
  return before === undefined
    ? undefined
    : {
        at: call.n,
        expected: `all disks of server ${disk?.source ?? ''} in one call`,
        actual: `${call.disks.length} more in a call of their own`,
        evidence: [before.n],
      };
}

function isStillThere(seen: Observation, { disks, proxy }: HotAddCall, n: number): boolean {
  return seen.hotAdded.some(
    (life) => life.proxy === proxy && disks.some(({ disk }) => disk === life.id) && isAttachedAt(life, n),
  );
}

/** Whether the engine knew that its own task was at work when it made the call. */
function isStillAtWork(seen: Observation, other: HotAddCall, call: HotAddCall): boolean {
  const { task } = other;
  if (other.n >= call.n || other.proxy !== call.proxy || other.actor !== call.actor) return false;
  if (task === undefined || (task.end !== undefined && task.end.n < call.n)) return false;
  if ((other.reply?.n ?? call.n) >= call.n && !isMadeTogether(other, call)) return false;
  const isHanging = seen.faults.some(({ n, on }) => n > other.n && n < call.n && HANGS.test(on));
  return !isHanging && isHeard(seen, other) && !isKilledBetween(seen, call.actor, other.n, call.n);
}

/** Not even the answer to the first was waited for. */
function isMadeTogether(other: HotAddCall, call: HotAddCall): boolean {
  return other.n < call.n && other.t === call.t;
}

const HANGS = /^(task:|guest)/;

/** It started the proxy itself, or had a look at it after it had changed. */
function couldKnowPower(seen: Observation, call: HotAddCall): boolean {
  const change = seen.states.findLast(
    ({ entity, id, n }) => entity === 'server' && id === call.proxy && n < call.n,
  );
  const from = change?.n ?? -1;
  return seen.calls.some(({ n, operation, server, actor }) => {
    if (actor !== call.actor || n >= call.n) return false;
    if (operation === 'servers.start' && server === call.proxy) return n === from - 1;
    return (
      n > from && (operation === 'servers.list' || (operation === 'servers.get' && server === call.proxy))
    );
  });
}

interface AfterFull {
  readonly call: HotAddCall;
  /** The call before it for the same server and proxy, which was refused. */
  readonly full: HotAddCall;
}

function afterFull(seen: Observation): readonly AfterFull[] {
  return adds(seen).flatMap((call) => {
    const full = adds(seen).findLast(
      (other) =>
        other.n < call.n &&
        other.proxy === call.proxy &&
        other.actor === call.actor &&
        other.disks[0]?.source === call.disks[0]?.source &&
        other.disks[0]?.snapshot === call.disks[0]?.snapshot,
    );
    // A later job may find more room; that it asks is how it learns.
    const isOfOneJob = !seen.jobs.some(({ n }) => n > (full?.n ?? 0) && n < call.n);
    const wasFull = full?.refusal !== undefined && NO_ROOM.test(full.refusal);
    // Fewer than one can't be asked for; it waits for room.
    return wasFull && isOfOneJob && full.disks.length > 1 ? [{ call, full }] : [];
  });
}

function attachedTo({ hotAdded }: Observation, { proxy, n }: HotAddCall): number {
  return hotAdded.filter((life) => life.proxy === proxy && isAttachedAt(life, n)).length;
}
