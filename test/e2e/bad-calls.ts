/** REST calls that the product refuses, with the status and a part of the message. */
import { type CallOptions, DISK_BYTES, MIB } from './bad-input-stage.ts';

export interface RestCase {
  readonly method?: string;
  /** `SERVER`, `SNAPSHOT` and `RESOURCE` stand for ids. */
  readonly path: string;
  readonly with?: CallOptions;
  readonly status: number;
  readonly says: string;
}

const RESOURCES = '/janus/20180725/backup-resources';
const LIST = '/janus/20240725/servers';
const HCI = '/hci/vt/api/v1/vms';
const LOCK = { server_id: 'SERVER', type: 'backup', lock_time: 600 };
const SIGNED = 'AWS4-HMAC-SHA256 Credential=x/20260203/r/s/aws4_request, SignedHeaders=x-amz-date';

const lock = (change: object): CallOptions => ({ body: { ...LOCK, ...change } });
const areas = (change: Readonly<Record<string, string>>): string => {
  const query = { disk_id: 'ide0', snapshot_id: 'SNAPSHOT', checkpoint_id: '0', start_offset: '0' };
  return `/janus/20180725/servers/SERVER/cbt/changed-areas?${new URLSearchParams({ ...query, ...change })}`;
};
const CLONE = { disk_id: 'd', application_type: 'backup', snapshot_id: 'SNAPSHOT' };
const hotAdd = (disks: readonly object[], says: string): RestCase => ({
  method: 'POST',
  path: `${LIST}/SERVER/disks`,
  with: { body: { disks } },
  status: 400,
  says,
});
const login = (auth: unknown): CallOptions => ({ body: { auth }, isAnonymous: true });

export const BAD_CALLS: Readonly<Record<string, RestCase>> = {
  'a body that is no JSON': {
    method: 'POST',
    path: RESOURCES,
    with: { body: '{"server_id":' },
    status: 400,
    says: 'not valid JSON',
  },
  'a body that is a list': {
    method: 'POST',
    path: RESOURCES,
    with: { body: '[]' },
    status: 400,
    says: 'object',
  },
  'a body that is nested beyond measure': {
    method: 'POST',
    path: RESOURCES,
    with: { body: '['.repeat(100_000) },
    status: 400,
    says: 'not valid JSON',
  },
  'a body of 20 MiB': {
    method: 'POST',
    path: RESOURCES,
    with: { body: `"${'x'.repeat(20 * MIB)}"` },
    status: 400,
    says: 'body',
  },
  'a body of another type': {
    method: 'POST',
    path: RESOURCES,
    with: { body: '{}', headers: { 'content-type': 'text/xml' } },
    status: 400,
    says: 'Content-Type',
  },
  'a body with __proto__': {
    method: 'POST',
    path: RESOURCES,
    with: { body: '{"__proto__":{"server_id":"x","type":"backup","lock_time":600}}' },
    status: 400,
    says: 'server_id: is required',
  },
  'no Authorization, V1': {
    path: RESOURCES,
    method: 'POST',
    with: { isAnonymous: true },
    status: 401,
    says: 'Authentication is required',
  },
  'no Authorization, V2': {
    path: LIST,
    with: { isAnonymous: true },
    status: 401,
    says: 'Authentication is required',
  },
  'a malformed signature': {
    path: LIST,
    with: { headers: { Authorization: `${SIGNED}, Signature=zz` } },
    status: 401,
    says: 'Authorization: malformed',
  },
  'an unknown access key': {
    path: LIST,
    with: { headers: { Authorization: `${SIGNED}, Signature=${'a'.repeat(64)}` } },
    status: 401,
    says: 'unknown access key',
  },
  'a signature of another time': {
    path: LIST,
    with: { headers: { 'X-Amz-Date': '20200101T000000Z' } },
    status: 401,
    says: 'signature does not match',
  },
  'an unknown token': {
    path: LIST,
    with: { headers: { Authorization: 'Token 00112233445566778899aabbccddeeff' } },
    status: 401,
    says: 'token is invalid or has expired',
  },
  'another scheme': {
    path: LIST,
    with: { headers: { Authorization: 'Basic eDp5' } },
    status: 401,
    says: 'Authentication is required',
  },
  'a login without auth': {
    method: 'POST',
    path: '/janus/authenticate',
    with: { body: {}, isAnonymous: true },
    status: 400,
    says: 'auth: is required',
  },
  'a login with a password in the clear': {
    method: 'POST',
    path: '/janus/authenticate',
    with: login({ tenantName: 'x', passwordCredentials: { username: 'svc-backup', password: 'plain' } }),
    status: 401,
    says: 'Incorrect username or password',
  },
  'a login of nobody': {
    method: 'POST',
    path: '/janus/v2/authenticate',
    with: login({ tenantName: 'x', passwordCredentials: { username: 'nobody', password: 'x' } }),
    status: 401,
    says: 'Incorrect username or password',
  },
  'a checkpoint that is no number': {
    path: areas({ checkpoint_id: 'x' }),
    status: 400,
    says: 'checkpoint_id',
  },
  'a negative checkpoint': { path: areas({ checkpoint_id: '-1' }), status: 400, says: 'checkpoint_id' },
  'a checkpoint above 2^53': {
    path: areas({ checkpoint_id: '18446744073709551616' }),
    status: 400,
    says: 'checkpoint_id',
  },
  'a checkpoint that never was': {
    path: areas({ checkpoint_id: '429496729612345' }),
    status: 400,
    says: 'checkpoint ID is invalid',
  },
  'an offset that is no number': { path: areas({ start_offset: '0x10' }), status: 400, says: 'start_offset' },
  'a negative offset': { path: areas({ start_offset: '-65536' }), status: 400, says: 'start_offset' },
  'an offset beyond the disk': {
    path: areas({ start_offset: String(DISK_BYTES + 1) }),
    status: 400,
    says: 'start offset is outside of the disk',
  },
  'an unknown disk': { path: areas({ disk_id: 'ide7' }), status: 400, says: 'disk does not exist' },
  'no disk': { path: areas({ disk_id: '' }), status: 400, says: 'disk_id' },
  'an unknown snapshot': {
    path: areas({ snapshot_id: 'nothing' }),
    status: 400,
    says: 'snapshot does not exist',
  },
  'CBT of an unknown disk': {
    method: 'PUT',
    path: '/janus/20180725/servers/SERVER/cbt/status',
    with: { body: { type: 'enable', disk_ids: ['ide7'] } },
    status: 400,
    says: 'disk does not exist',
  },
  'a lock_time of 59': {
    method: 'POST',
    path: RESOURCES,
    with: lock({ lock_time: 59 }),
    status: 400,
    says: 'lock_time: ',
  },
  'a lock_time of 7201': {
    method: 'PUT',
    path: `${RESOURCES}/RESOURCE`,
    with: { body: { lock_time: 7201 } },
    status: 400,
    says: 'lock_time: ',
  },
  'a lock_time of 1e400': {
    method: 'PUT',
    path: `${RESOURCES}/RESOURCE`,
    with: { body: '{"lock_time":1e400}' },
    status: 400,
    says: 'lock_time: ',
  },
  'a lock_time as text': {
    method: 'POST',
    path: RESOURCES,
    with: lock({ lock_time: '600' }),
    status: 400,
    says: 'lock_time: ',
  },
  'a type that is none': {
    method: 'POST',
    path: RESOURCES,
    with: lock({ type: 'steal' }),
    status: 400,
    says: 'type: ',
  },
  'an unknown server': {
    method: 'POST',
    path: RESOURCES,
    with: lock({ server_id: 'nobody' }),
    status: 404,
    says: 'does not exist',
  },
  'an unknown backup resource': { path: `${RESOURCES}/none`, status: 404, says: 'backup resource' },
  'an id of impossible characters': { path: `${LIST}/%3Cscript%3E`, status: 400, says: 'server_id' },
  'an id that leaves the folder': { path: `${LIST}/..%2F..%2Fetc`, status: 400, says: 'server_id' },
  'an id of 500 characters': { path: `${LIST}/${'a'.repeat(500)}`, status: 400, says: 'server_id' },
  'a URL that cannot be decoded': { path: `${LIST}/%zz`, status: 400, says: '' },
  'a page that is no number': { path: `${LIST}?page_num=x`, status: 400, says: 'page_num' },
  'a page of a million': { path: `${LIST}?page_size=1000000`, status: 400, says: 'page_size' },
  'HotAdd of nothing': hotAdd([], 'disks: must not have fewer than 1 items'),
  'HotAdd of a disk without an id': hotAdd([{}], 'disks.0.disk_id: is required'),
  'HotAdd of a disk twice': hotAdd([CLONE, CLONE], 'disks.1.disk_id: d is there twice'),
  'HotAdd of thirty thousand disks': hotAdd(
    Array.from({ length: 30_000 }, (_, at) => ({ ...CLONE, disk_id: `d${at}` })),
    'not a backup proxy',
  ),
  'HotAdd of a clone of no snapshot': hotAdd([{ ...CLONE, snapshot_id: '' }], 'disks.0.snapshot_id: '),
  'HotAdd for another use': hotAdd(
    [{ ...CLONE, application_type: 'steal' }],
    'disks.0.application_type: must be one of backup, restore, normal',
  ),
  'HotAdd at a server that is no proxy': hotAdd([CLONE], 'not a backup proxy'),
  'HotAdd at an unknown server': {
    ...hotAdd([CLONE], 'does not exist'),
    path: `${LIST}/nobody/disks`,
    status: 404,
  },
  'HotAdd of nothing at the door of HCI': {
    ...hotAdd([], 'disks: must not have fewer than 1 items'),
    path: `${HCI}/SERVER/disks`,
  },
  'a removal of nothing at the door of HCI': {
    method: 'POST',
    path: `${HCI}/SERVER/disks/actions/delete`,
    with: { body: {} },
    status: 400,
    says: 'diskIds: is required',
  },
  'an unknown token at the door of HCI': {
    ...hotAdd([CLONE], 'token is invalid or has expired'),
    path: `${HCI}/SERVER/disks`,
    with: { body: {}, headers: { Authorization: 'Token 00112233445566778899aabbccddeeff' } },
    status: 401,
  },
  'nobody at the door of HCI': {
    path: `${HCI}/SERVER`,
    with: { isAnonymous: true },
    status: 401,
    says: 'Authentication is required',
  },
  'a removal by another action': {
    method: 'POST',
    path: `${LIST}/SERVER/disks/action`,
    with: { body: { action: 'steal', disk_ids: ['d'] } },
    status: 400,
    says: 'action: must be one of delete',
  },
  'a command of a mebibyte': {
    method: 'POST',
    path: `${LIST}/SERVER/guest/exec`,
    with: { body: { command: 'x'.repeat(MIB) } },
    status: 400,
    says: 'command: must not have more than 8192 characters',
  },
  'the answer of a command that never was': {
    path: `${LIST}/SERVER/guest/exec/none`,
    status: 404,
    says: 'does not exist',
  },
  'an unknown path, V1': { path: '/janus/20180725/nonsense', status: 404, says: 'does not exist' },
  'an unknown path, V2': { path: '/janus/20240725/nonsense', status: 404, says: 'does not exist' },
  'an unknown method': { method: 'PATCH', path: LIST, status: 404, says: 'does not exist' },
};
