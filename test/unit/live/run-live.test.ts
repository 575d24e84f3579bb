import { afterEach, describe, expect, it } from 'vitest';
import { createCallRecorder } from '../../../harness/live/call-recorder.ts';
import { createGuard, type Guard, GuardRefused, type LiveLook } from '../../../harness/live/guard.ts';
import { createLook, createReadingClient, type LiveAccess } from '../../../harness/live/live-client.ts';
import { planLiveRun } from '../../../harness/live/live-plan.ts';
import type { LiveSettings } from '../../../harness/live/live-settings.ts';
import { runLive } from '../../../harness/live/run-live.ts';
import { RULES } from '../../../harness/rules/catalogue.ts';
import { judgeRules } from '../../../harness/rules/judge-rules.ts';
import { observe } from '../../../harness/rules/observe.ts';
import { connectGuests } from '../../../harness/runner/connect-guests.ts';
import type { ScenarioResult } from '../../../harness/runner/outcome.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { Journal, type JournalEntry } from '../../../src/kernel/journal.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { type HttpRequest, type HttpTransport, TransportError } from '../../../src/sdk/http-transport.ts';
import { createScpClient } from '../../../src/sdk/scp-client.ts';
import { createRig, ONE_PROXY, type Rig, type RigOptions } from '../../integration/engine/rig.ts';

const TAG = 'live_0123456789';
const SETTINGS: LiveSettings = {
  tag: TAG,
  transports: ['nbd'],
  restore: true,
  holdLock: true,
  leaveCbtAlone: false,
  lockTimeSeconds: 600,
};

const open: Rig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig[Symbol.asyncDispose]();
});

async function openRig(options?: RigOptions): Promise<Rig> {
  const rig = await createRig(options);
  open.push(rig);
  return rig;
}

/** Each process draws its own ids. */
let lives = 0;

function accessTo(rig: Rig, transport: HttpTransport = rig.simulator.transport): LiveAccess {
  const ids = createIdSource(createRng(`live/${++lives}`));
  return { transport, credentials: rig.credentials('ec2'), clock: rig.clock, ids };
}

interface Played {
  readonly results: readonly ScenarioResult[];
  readonly journal: Journal;
}

async function play(
  rig: Rig,
  transport?: HttpTransport,
  settings = SETTINGS,
  onlyCleanUp = false,
): Promise<Played> {
  const journal = new Journal({ now: () => rig.clock.now() });
  const access = accessTo(rig, transport);
  const work = async (): Promise<readonly ScenarioResult[]> => {
    const server = await createReadingClient(access).serverById(rig.server.id);
    return runLive({
      access,
      settings,
      servers: server === undefined ? [] : [server],
      proxies: rig.hosted.world.servers
        .list()
        .filter(({ name }) => name.startsWith('proxy'))
        .map(({ id }) => id),
      journal,
      environment: {
        dialNbd: (host, port, signal) => rig.simulator.dialNbd(host, port, signal),
        connectProxy: connectGuests(rig.hosted),
        repository: rig.repository,
      },
      options: {},
      onResult: () => undefined,
      signal: new AbortController().signal,
      onlyCleanUp,
    });
  };
  return { results: await rig.run(work()), journal };
}

/** Names of the calls that change something, in their order. */
function changesIn(entries: readonly JournalEntry[]): readonly string[] {
  return entries.flatMap((entry) =>
    entry.type === 'rest.request' && entry.method !== 'GET' ? [entry.operation] : [],
  );
}

/** What became of snapshots and locks, thing by thing. */
function livesIn(entries: readonly JournalEntry[]): Readonly<Record<string, string>> {
  const lives: Record<string, string> = {};
  for (const entry of entries)
    if (entry.type === 'state' && (entry.entity === 'snapshot' || entry.entity === 'backup-resource'))
      if (entry.from !== entry.to) lives[entry.id] = `${lives[entry.id] ?? entry.entity} ${entry.to}`;
  return lives;
}

describe('a live run', () => {
  it('passes, and leaves the platform as it has found it', async () => {
    const rig = await openRig();
    const servers = rig.hosted.world.servers.list().length;
    const { results } = await play(rig);
    expect(results.map(({ outcome }) => outcome).join(' ')).toBe(
      'passed passed passed passed passed skipped',
    );
    expect(results.find(({ scenario }) => scenario.startsWith('LIVE-3'))?.comparedBytes).toBeGreaterThan(
      5_000_000,
    );
    expect(rig.snapshots()).toEqual([]);
    expect(rig.hosted.world.servers.list()).toHaveLength(servers);
    const client = createReadingClient(accessTo(rig));
    expect((await rig.run(client.cbtStatus(rig.server.id))).enabledDisks).toEqual(new Set());
  });

  it('sees of snapshots and locks what the platform itself has seen', async () => {
    const rig = await openRig();
    const { journal } = await play(rig);
    const seen = livesIn(journal.entries);
    expect(Object.keys(seen).length).toBeGreaterThan(6);
    expect(seen).toEqual(livesIn(rig.hosted.world.journal.entries));
  });

  it.each(['nbd', 'nbdssl', 'hotadd'] as const)(
    'is judged by the rules, which find nothing in the sound engine over %s',
    async (transport) => {
      const settings = { ...SETTINGS, transports: [transport] };
      const { journal } = await play(await openRig({ proxies: ONE_PROXY }), undefined, settings);
      const verdicts = judgeRules(observe(journal.entries), {
        rules: RULES,
        scenario: 'live',
        engine: 'nbd',
      });
      const kept = verdicts.filter(({ outcome }) => outcome === 'passed').map(({ rule }) => rule);
      expect(kept).toEqual(
        expect.arrayContaining(['CBT-7', 'SNAP-1', 'LOCK-1', 'CLEAN-1', 'DATA-3', 'RESTORE-3']),
      );
      const broken = verdicts.filter(({ outcome, level }) => outcome === 'violated' && level === 'must');
      expect(broken).toEqual([]);
    },
  );

  it.each(['nbd', 'hotadd'] as const)(
    'makes the changes that the plan for %s has named, in that order, and no other',
    async (transport) => {
      const rig = await openRig({ proxies: ONE_PROXY });
      const settings = { ...SETTINGS, holdLock: false, transports: [transport] };
      const access = accessTo(rig);
      const reading = createReadingClient(access);
      const jobs = await rig.run(
        (async () => {
          const server = await reading.serverById(rig.server.id);
          return planLiveRun(reading, settings, server === undefined ? [] : [server]);
        })(),
      );
      expect(changesIn(rig.hosted.world.journal.entries)).toEqual([]);
      await play(rig, undefined, settings);
      const sometimes = (name: string): boolean => name !== 'backup-resources.renew';
      const planned = jobs.flatMap(({ calls }) =>
        calls.flatMap(({ isChange, operation, times }) =>
          isChange && times?.startsWith('if ') !== true ? [operation] : [],
        ),
      );
      expect(changesIn(rig.hosted.world.journal.entries).filter(sometimes)).toEqual(
        planned.filter(sometimes),
      );
    },
  );

  it('removes what a run has left that lost the platform in mid-work', async () => {
    const rig = await openRig();
    const { transport } = rig.simulator;
    let isCut = false;
    await play(rig, {
      ...transport,
      async send(request, signal) {
        if (isCut) throw new TransportError('the cable is out');
        const reply = await transport.send(request, signal);
        isCut = request.method === 'POST' && request.path.endsWith('/backup-resources');
        return reply;
      },
    }).catch(() => undefined);
    expect(rig.snapshots()).toHaveLength(1);
    const { results } = await play(rig, undefined, SETTINGS, true);
    expect(results.map(({ scenario, outcome, reason }) => `${scenario} ${outcome} ${reason}`.trim())).toEqual(
      ['LIVE-9-leaves-nothing passed'],
    );
    expect(rig.snapshots()).toEqual([]);
  });

  it('finds that a restored server does not hold what the point holds', async () => {
    const rig = await openRig();
    let made = '';
    const { results } = await play(rig, {
      ...rig.simulator.transport,
      async send(request, signal) {
        const reply = await rig.simulator.transport.send(request, signal);
        if (request.path.endsWith('/servers/config')) made = /"uuid":"([^"]+)"/.exec(reply.body)?.[1] ?? '';
        // Somebody writes to the new server between the restore and its reading back.
        if (made !== '' && request.path.endsWith(`/${made}/snapshots`) && request.method === 'GET')
          await rig.hosted.world.guest.write(made, 'ide0', 4096, Buffer.alloc(512, 7));
        return reply;
      },
    });
    const [finding] = results.find(({ scenario }) => scenario.startsWith('LIVE-3'))?.findings ?? [];
    expect(finding?.actual).toContain('ide0 at 4096');
  });
});

describe('the guard', () => {
  interface Guarded {
    readonly rig: Rig;
    readonly guard: Guard;
    readonly client: ReturnType<typeof createScpClient>;
  }

  async function guarded(look: Partial<LiveLook> = {}): Promise<Guarded> {
    const rig = await openRig({ servers: ['erp-01', 'erp-02'] });
    const access = accessTo(rig);
    const guard = createGuard({
      transport: access.transport,
      recorder: createCallRecorder({ journal: new Journal({ now: () => 0 }) }),
      look: { ...createLook(createReadingClient(access)), ...look },
      tag: TAG,
      servers: new Set<string>([rig.server.id]),
      proxies: new Set<string>([rig.hosted.world.servers.find('erp-02').id]),
    });
    return { rig, guard, client: createScpClient({ ...access, transport: guard.transport }) };
  }

  const other = ({ rig }: Guarded): string => rig.hosted.world.servers.find('erp-02').id;
  const strangers = async ({ rig }: Guarded, server: string = rig.server.id): Promise<string> => {
    const client = createScpClient(accessTo(rig));
    const { taskId, snapshotId = '' } = await client.createSnapshot(server, {
      name: 'of a stranger',
      description: '',
    });
    await client.waitForTask(taskId, { timeoutMs: 60_000 });
    return snapshotId;
  };
  const tagged = { name: `${TAG}-1-1`, description: '' };

  const planted: Readonly<Record<string, (stage: Guarded) => Promise<unknown>>> = {
    'the end of a stranger’s snapshot': async (stage) =>
      stage.client.deleteSnapshot(stage.rig.server.id, await strangers(stage)),
    'a snapshot without the tag': ({ client, rig }) =>
      client.createSnapshot(rig.server.id, { name: 'backup', description: TAG }),
    'a snapshot of a server that nobody has named': (stage) =>
      stage.client.createSnapshot(other(stage), tagged),
    'the end of a tagged snapshot on a server that nobody has named': async (stage) =>
      stage.client.deleteSnapshot(other(stage), await strangers(stage, other(stage))),
    'a lock for writing on a named server': ({ client, rig }) =>
      client.createBackupResource({ serverId: rig.server.id, type: 'restore', lockTimeSeconds: 60 }),
    'a lock on a server that nobody has named': (stage) =>
      stage.client.createBackupResource({ serverId: other(stage), type: 'backup', lockTimeSeconds: 60 }),
    'a renewal of somebody’s lock': ({ client }) => client.renewBackupResource('a:b', 600),
    'the end of somebody’s lock': ({ client }) => client.deleteBackupResource('a:b'),
    'the end of tracking that was on before': ({ client, rig }) => client.setCbt(rig.server.id, 'disable'),
    'a reset of tracking': ({ client, rig }) => client.setCbt(rig.server.id, 'reset'),
    'the end of a named server': ({ client, rig }) => client.deleteServer(rig.server.id),
    'power off of a named server': ({ client, rig }) => client.stopServer(rig.server.id),
    'power on of a named server': ({ client, rig }) => client.startServer(rig.server.id),
    'a disk for a proxy that nobody has named': ({ client, rig }) =>
      client.hotAddDisks(rig.server.id, [
        { diskId: 'd', purpose: 'backup', sourceServerId: rig.server.id, snapshotId: 's' },
      ]),
    'a disk of a server that nobody has named': (stage) =>
      stage.client.hotAddDisks(other(stage), [
        { diskId: 'd', purpose: 'backup', sourceServerId: other(stage), snapshotId: 's' },
      ]),
    'a disk of a named server that is not its clone': (stage) =>
      stage.client.hotAddDisks(other(stage), [
        { diskId: 'd', purpose: 'restore', sourceServerId: stage.rig.server.id },
      ]),
    'the removal of somebody’s disk': (stage) => stage.client.hotRemoveDisks(other(stage), ['d']),
  };

  it.each(Object.keys(planted))('refuses to send %s', async (what) => {
    const stage = await guarded();
    const { rig, guard } = stage;
    await rig.run(expect(planted[what]?.(stage)).rejects.toThrow(GuardRefused));
    expect(guard.refused).toHaveLength(1);
    const own = rig.hosted.world.journal.entries.filter(
      (entry) =>
        entry.type === 'rest.request' &&
        entry.method !== 'GET' &&
        !JSON.stringify(entry.body ?? '').includes('of a stranger'),
    );
    expect(own).toEqual([]);
  });

  it.each([
    { method: 'PUT', path: '/janus/20180725/servers/x/unheard-of' },
    { method: 'POST', path: '/janus/20240725/servers/x/guest/exec' },
    { method: 'POST', path: '/janus/20180725/servers/x/snapshots/y/recovery' },
    { method: 'POST', path: '/hci/vt/api/v1/vms/x/disks' },
    { method: 'POST', path: '/hci/vt/api/v1/vms/x/disks/actions/delete' },
  ] as const)('refuses $method $path, whatever it may do', async ({ method, path }) => {
    const { guard } = await guarded();
    const request: HttpRequest = { method, path, headers: {}, body: '{}' };
    await expect(guard.transport.send(request)).rejects.toThrow(GuardRefused);
  });

  it('asks the platform whether a snapshot still bears the tag before it lets it be deleted', async () => {
    const { rig, client } = await guarded({ snapshotName: async () => 'taken over by the operator' });
    const work = async (): Promise<void> => {
      const { taskId, snapshotId = '' } = await client.createSnapshot(rig.server.id, tagged);
      await client.waitForTask(taskId, { timeoutMs: 60_000 });
      await expect(client.deleteSnapshot(rig.server.id, snapshotId)).rejects.toThrow(/does not bear the tag/);
    };
    await rig.run(work());
    expect(rig.snapshots()).toHaveLength(1);
  });
});
