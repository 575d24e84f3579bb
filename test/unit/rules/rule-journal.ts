/** Journals written by hand: what a test is about, and nothing else. */
import { RULES } from '../../../harness/rules/catalogue.ts';
import { observe } from '../../../harness/rules/observe.ts';
import type { Judgement, RuleId } from '../../../harness/rules/rule-api.ts';
import type { JournalEntry, JournalEvent, Json } from '../../../src/kernel/journal.ts';

export const ENGINE = 'AK1';
export const SERVER = 'server-1';
export const RESOURCE = 'pool:resource-1';
const SNAPSHOTS = `/janus/20190725/servers/${SERVER}/snapshots`;
const RESOURCES = '/janus/20180725/backup-resources';

/** An event and its instant, in seconds. */
export type Timed = readonly [number, JournalEvent];

export function journalOf(...events: readonly Timed[]): readonly JournalEntry[] {
  return events.map(([seconds, event], n) => ({ n, t: seconds * 1000, ...event }));
}

/** What one rule says of these events. */
export function judge(id: RuleId, ...events: readonly Timed[]): Judgement {
  const rule = RULES.find((one) => one.id === id);
  if (rule === undefined) throw new Error(`there is no rule ${id}`);
  return rule.judge(observe(journalOf(...events)));
}

interface Asked {
  readonly body?: Json;
  readonly query?: Readonly<Record<string, Json>>;
  readonly clientToken?: string;
  readonly actor?: string;
}

export function request(call: number, operation: string, path: string, asked: Asked = {}): JournalEvent {
  const method = { create: 'POST', renew: 'PUT', delete: 'DELETE' }[operation.split('.')[1] ?? ''] ?? 'GET';
  return { type: 'rest.request', call, operation, method, path, query: {}, actor: ENGINE, ...asked };
}

export function reply(
  call: number,
  operation: string,
  answer: {
    readonly status?: number;
    readonly data?: Json;
    readonly isLost?: true;
    readonly message?: string;
  } = {},
): JournalEvent {
  return { type: 'rest.reply', call, operation, status: 200, code: 0, message: '', ...answer };
}

export function job(
  phase: 'begins' | 'succeeds' | 'fails' | 'killed',
  number = 1,
  actor = ENGINE,
): JournalEvent {
  return {
    type: 'job',
    engine: 'first',
    job: number,
    operation: 'backup',
    phase,
    actor,
    server: SERVER,
  };
}

export function snapshotState(
  from: string | undefined,
  to: string,
  checkpointId = '4294967297',
): JournalEvent {
  const detail = { name: 'backup-1', checkpointId, disks: [{ id: 'ide0', bytes: 1000, cbt: 'on' }] };
  const more = from === undefined ? { detail } : { from };
  return { type: 'state', entity: 'snapshot', id: 'snapshot-1', to, server: SERVER, ...more };
}

export function lockState(from: string | undefined, to: string, why = ''): JournalEvent {
  const detail = { type: 'backup', host: 'host-1', lockTimeSeconds: 600, snapshot: 'snapshot-1' };
  const before = from === undefined ? {} : { from };
  return {
    type: 'state',
    entity: 'backup-resource',
    id: RESOURCE,
    ...before,
    to,
    server: SERVER,
    why,
    detail,
  };
}

export const takeSnapshot = (call: number): JournalEvent =>
  request(call, 'snapshots.create', SNAPSHOTS, { body: { name: 'backup-1' } });
export const dropSnapshot = (call: number): JournalEvent =>
  request(call, 'snapshots.delete', `${SNAPSHOTS}/snapshot-1`);
export const lock = (call: number): JournalEvent =>
  request(call, 'backup-resources.create', RESOURCES, {
    body: { server_id: SERVER, type: 'backup', lock_time: 600 },
  });
export const renew = (call: number): JournalEvent =>
  request(call, 'backup-resources.renew', `${RESOURCES}/${encodeURIComponent(RESOURCE)}`, {
    body: { lock_time: 600 },
  });
export const unlock = (call: number): JournalEvent =>
  request(call, 'backup-resources.delete', `${RESOURCES}/${encodeURIComponent(RESOURCE)}`);
export const areas = (call: number, start: number): JournalEvent =>
  request(call, 'cbt.changed-areas', `/janus/20180725/servers/${SERVER}/cbt/changed-areas`, {
    query: { disk_id: 'ide0', snapshot_id: 'snapshot-1', checkpoint_id: '0', start_offset: String(start) },
  });
export const page = (call: number, start_offset: number, length: number): JournalEvent =>
  reply(call, 'cbt.changed-areas', { data: { start_offset, length } });
