import { describe, expect, it } from 'vitest';
import { createCallRecorder } from '../../../harness/live/call-recorder.ts';
import { createPseudonyms } from '../../../harness/live/pseudonyms.ts';
import { hotAddCallsOf } from '../../../harness/rules/readings/hot-add-calls.ts';
import { observe } from '../../../harness/rules/observe.ts';
import { Journal, type JournalEntry, type Json } from '../../../src/kernel/journal.ts';

const PROXY = '11111111-1111-4111-8111-111111111111';
const SERVER = '22222222-2222-4222-8222-222222222222';
const DISK = '33333333-3333-4333-8333-333333333333';
const PROXY_VM = '4821900034510';
const SERVER_VM = '4821900034511';
const ENGINE = 'AK1';

/** A client's calls to a live platform, with the answers that came. */
type Exchange = readonly [method: string, path: string, body: Json, data: Json];

const SCP_PATH = '/janus/20240725/servers';
const HCI_PATH = '/hci/vt/api/v1/vms';
const lock: Exchange = [
  'POST',
  '/janus/20180725/backup-resources',
  { server_id: SERVER, type: 'backup', lock_time: 600 },
  { resource_id: `${PROXY}:${DISK}` },
];
const list: Exchange = [
  'GET',
  `${SCP_PATH}?page_num=0`,
  {},
  {
    data: [
      { id: PROXY, vm_id: PROXY_VM, status: 'running', os_name: 'Backup Proxy' },
      { id: SERVER, vm_id: SERVER_VM, status: 'running', os_name: '' },
    ],
  },
];
const look = (path: string, id: string): Exchange => [
  'GET',
  path,
  {},
  { id, disks: id === SERVER ? [{ id: 'ide0', disk_id: DISK }] : [] },
];
const done = (path: string, task: string): Exchange => [
  'GET',
  `${path}/${task}`,
  {},
  { status: 'finish', progress: 100 },
];
const SCP_TASKS = '/janus/20180725/tasks';
const HCI_TASKS = '/hci/vt/api/v1/tasks';

const hci = (proxy: string, server: string): readonly Exchange[] => [
  [
    'POST',
    `${HCI_PATH}/${proxy}/disks`,
    { disks: [{ diskId: DISK, applicationType: 'backup', snapshotId: 'snap-1', sourceVmId: server }] },
    { task_id: 'task-1' },
  ],
  done(HCI_TASKS, 'task-1'),
  ['POST', `${HCI_PATH}/${proxy}/disks/actions/delete`, { diskIds: [DISK] }, { task_id: 'task-2' }],
  done(HCI_TASKS, 'task-2'),
];

const DOORS: Readonly<Record<string, readonly Exchange[]>> = {
  SCP: [
    list,
    look(`${SCP_PATH}/${SERVER}`, SERVER),
    lock,
    [
      'POST',
      `${SCP_PATH}/${PROXY}/disks`,
      {
        disks: [
          { disk_id: DISK, application_type: 'backup', snapshot_id: 'snap-1', source_server_id: SERVER },
        ],
      },
      { task_id: 'task-1' },
    ],
    done(SCP_TASKS, 'task-1'),
    [
      'POST',
      `${SCP_PATH}/${PROXY}/disks/action`,
      { action: 'delete', disk_ids: [DISK] },
      { task_id: 'task-2' },
    ],
    done(SCP_TASKS, 'task-2'),
  ],
  HCI: [list, look(`${HCI_PATH}/${SERVER}`, SERVER), lock, ...hci(PROXY, SERVER)],
  'HCI by its own ids': [list, look(`${HCI_PATH}/${SERVER_VM}`, SERVER), lock, ...hci(PROXY_VM, SERVER_VM)],
  'HCI by its own ids, which only HCI has told': [
    look(`${HCI_PATH}/${SERVER_VM}`, SERVER),
    look(`${HCI_PATH}/${PROXY_VM}`, PROXY),
    lock,
    ...hci(PROXY_VM, SERVER_VM),
  ],
};

type Options = Omit<Parameters<typeof createCallRecorder>[0], 'journal'>;

function record(
  exchanges: readonly Exchange[],
  options: Options = { actor: ENGINE },
): readonly JournalEntry[] {
  const journal = new Journal({ now: () => 0 });
  const recorder = createCallRecorder({ journal, ...options });
  for (const [method, path, body, data] of exchanges)
    recorder
      .begin({ method, path, headers: {}, ...(method === 'GET' ? {} : { body: JSON.stringify(body) }) })
      .answered({ status: 200, body: JSON.stringify({ code: 0, message: '', data }) });
  return journal.entries;
}

describe.each(Object.entries(DOORS))('disks that a live platform adds through %s', (_name, exchanges) => {
  it('come and go in the journal, each with its server, its slot and its lock', () => {
    const states = record(exchanges).flatMap((entry) =>
      entry.type === 'state' && entry.entity === 'hot-added-disk' ? [entry] : [],
    );
    expect(states).toMatchObject([
      {
        id: DISK,
        to: 'attached',
        server: PROXY,
        why: `added by ${ENGINE}`,
        detail: {
          device: 'ide0',
          purpose: 'backup',
          source: SERVER,
          snapshot: 'snap-1',
          resource: `${PROXY}:${DISK}`,
        },
      },
      { id: DISK, to: 'deleted', server: PROXY, why: `removed by ${ENGINE}` },
    ]);
  });

  it('are known to the rules with the calls that asked for them, and their tasks', () => {
    const seen = observe(record(exchanges), { actors: [ENGINE] });
    expect(seen.hotAdded).toMatchObject([{ id: DISK, proxy: PROXY, source: SERVER, actor: ENGINE }]);
    const [life] = seen.hotAdded;
    const [add, remove] = hotAddCallsOf(seen);
    expect([life?.createdBy?.call, life?.deletedBy.map(({ call }) => call)]).toEqual([
      add?.call,
      [remove?.call],
    ]);
    expect(add).toMatchObject({ kind: 'add', proxy: PROXY, task: { task: 'task-1', status: 'finish' } });
    expect(remove).toMatchObject({
      kind: 'remove',
      proxy: PROXY,
      task: { task: 'task-2', status: 'finish' },
    });
  });

  it('are known under pseudonyms too', () => {
    const mask = createPseudonyms(Buffer.from('a key of the test'));
    const seen = observe(record(exchanges, { mask, actor: ENGINE }), { actors: [mask.text(ENGINE)] });
    expect(seen.hotAdded).toMatchObject([
      { proxy: mask.text(PROXY), source: mask.text(SERVER), createdBy: {}, deletedBy: [{}], end: {} },
    ]);
  });
});

it('the details of a snapshot that HCI shows are those of its server', () => {
  const snapshots = `/janus/20190725/servers/${SERVER}/snapshots`;
  const entries = record([
    ['POST', snapshots, { name: 'backup-1' }, { task_id: 'task-1', resource_id: 'snap-1' }],
    done(HCI_TASKS, 'task-1'),
    ['GET', '/hci/vt/api/v1/snapshots/snap-1', {}, { name: 'backup-1', checkpoint_id: '77' }],
  ]);
  expect(entries.findLast(({ type }) => type === 'state')).toMatchObject({
    entity: 'snapshot',
    id: 'snap-1',
    server: SERVER,
    detail: { checkpointId: 77 },
  });
});
