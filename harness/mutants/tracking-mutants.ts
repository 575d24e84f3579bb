/** Engines that misunderstand changed block tracking. */
import type { HttpRequest } from '../../src/sdk/http-transport.ts';
import { type DataNode, editData, intercept, matchCall, success, withQuery } from './http-edits.ts';
import type { Mutant } from './mutant.ts';
import { endedTask, leftOf } from './transport-mutants.ts';

const CBT_STATUS = /\/cbt\/status$/;
const CHANGED_AREAS = /\/cbt\/changed-areas$/;
const SNAPSHOT = /\/servers\/[^/]+\/snapshots\/[^/]+$/;
/** A task that nobody has begun; who asks for it is told that it is done. */
const LATE_TASK = 'task-of-the-late-switch';
const FINISHED = { task_id: LATE_TASK, action: '', status: 'finish', progress: 100, description: '' };

export const TRACKING_MUTANTS: readonly Mutant[] = [
  {
    id: 'enables-cbt-late',
    breaks: 'engine',
    title: 'switches tracking on when its snapshot is taken already',
    killers: ['S034-tracking-switched-on-late'],
    seams: () => {
      let late: HttpRequest | undefined;
      return {
        transport: (inner) =>
          intercept(inner, async (request, pass) => {
            if (isSetting(request, 'enable')) {
              late = request;
              return success({ task_id: LATE_TASK });
            }
            if (request.path.endsWith(LATE_TASK)) return success(FINISHED);
            const response = await pass(request);
            if (late !== undefined && matchCall(request, 'GET', CBT_STATUS) !== undefined)
              return editData(response, allEnabled);
            if (late === undefined || matchCall(request, 'GET', SNAPSHOT) === undefined) return response;
            const held = late;
            late = undefined;
            await pass(held);
            return response;
          }),
      };
    },
  },
  {
    id: 'assumes-that-cbt-is-on',
    breaks: 'engine',
    title: 'takes for granted that the changes of every disk are tracked',
    killers: ['S002-full-and-three-incrementals'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          const call = matchCall(request, 'GET', CBT_STATUS);
          if (call === undefined) return pass(request);
          const { disks } = hosted.world.servers.get(call.serverId);
          return success({
            server_id: call.serverId,
            is_enabled: true,
            disks: disks.map(({ deviceId }) => ({ id: deviceId, is_enabled: true })),
          });
        }),
    }),
  },
  {
    id: 'asks-about-untracked-disks',
    breaks: 'engine',
    title: 'asks for the changed areas of disks that are not tracked',
    killers: ['S004-many-disks-cbt-on-some'],
    seams: () => ({
      transport: (inner) =>
        intercept(inner, async (request, pass) => {
          const response = await pass(request);
          return matchCall(request, 'GET', CBT_STATUS) === undefined
            ? response
            : editData(response, allEnabled);
        }),
    }),
  },
  {
    id: 'never-resets-cbt',
    breaks: 'engine',
    title: 'believes that it resets expired tracking, and does not',
    killers: ['S013-cbt-expired-after-revert'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) =>
          isSetting(request, 'reset') ? success(endedTask(hosted)) : pass(request),
        ),
    }),
  },
  {
    id: 'forgets-to-switch-off',
    breaks: 'engine',
    title: 'says that a server is protected no longer, and leaves its tracking on',
    killers: ['S097-protection-ends'],
    seams: () => {
      const forgotten = new Set<string>();
      return {
        transport: (inner, hosted) =>
          intercept(inner, async (request, pass) => {
            const call = matchCall(request, request.method, CBT_STATUS);
            if (call === undefined) return pass(request);
            if (isSetting(request, 'disable')) {
              forgotten.add(call.serverId);
              return success(endedTask(hosted));
            }
            if (isSetting(request, 'enable')) forgotten.delete(call.serverId);
            const response = await pass(request);
            return forgotten.has(call.serverId) && request.method === 'GET'
              ? editData(response, (data) => withTracking(data, false))
              : response;
          }),
      };
    },
  },
  {
    id: 'first-backup-since-itself',
    breaks: 'engine',
    title: 'asks for changes since its own snapshot in place of all blocks in use',
    killers: ['S001-full-backup-and-restore'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, (request, pass) => {
          const call = matchCall(request, 'GET', CHANGED_AREAS);
          if (call === undefined || call.query.get('checkpoint_id') !== '0') return pass(request);
          const snapshot = hosted.world.snapshots.get(call.serverId, call.query.get('snapshot_id') ?? '');
          call.query.set('checkpoint_id', String(snapshot.checkpointId));
          return pass(withQuery(request, call));
        }),
    }),
  },
  {
    id: 'first-block-unasked',
    breaks: 'engine',
    title: 'asks for changed areas from the second block on',
    killers: ['S001-full-backup-and-restore'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          const call = matchCall(request, 'GET', CHANGED_AREAS);
          const block = hosted.world.settings.granularityBytes;
          if (call?.query.get('start_offset') !== '0' || leftOf(hosted, call) <= block) return pass(request);
          call.query.set('start_offset', String(block));
          const response = await pass(withQuery(request, call));
          return editData(response, (data) => ({
            ...data,
            start_offset: 0,
            length: Number(data['length']) + block,
          }));
        }),
    }),
  },
  {
    id: 'asks-about-one-disk',
    breaks: 'engine',
    title: 'asks for the changed areas of the first disk, and reads the others as a whole',
    killers: ['S004-many-disks-cbt-on-some'],
    seams: () => {
      const first = new Map<string, string>();
      return {
        transport: (inner, hosted) =>
          intercept(inner, async (request, pass) => {
            const call = matchCall(request, 'GET', CHANGED_AREAS);
            if (call === undefined) return pass(request);
            const snapshot = call.query.get('snapshot_id') ?? '';
            const disk = call.query.get('disk_id') ?? '';
            if (!first.has(snapshot)) first.set(snapshot, disk);
            if (first.get(snapshot) === disk) return pass(request);
            const length = leftOf(hosted, call);
            return success({ start_offset: 0, length, changed_area: [{ start: 0, length }] });
          }),
      };
    },
  },
];

function isSetting(request: HttpRequest, type: 'enable' | 'disable' | 'reset'): boolean {
  if (matchCall(request, 'PUT', CBT_STATUS) === undefined) return false;
  return (JSON.parse(request.body ?? '{}') as { type?: string }).type === type;
}

function allEnabled(data: DataNode): unknown {
  return withTracking(data, true);
}

function withTracking(data: DataNode, isEnabled: boolean): unknown {
  const disks = data['disks'] as readonly DataNode[];
  return { ...data, is_enabled: isEnabled, disks: disks.map((disk) => ({ ...disk, is_enabled: isEnabled })) };
}
