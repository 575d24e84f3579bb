import { expect, it } from 'vitest';
import { findLockViolations } from '../../../harness/oracle/lock-oracle.ts';
import { RULES } from '../../../harness/rules/catalogue.ts';
import { judgeRules } from '../../../harness/rules/judge-rules.ts';
import { observe } from '../../../harness/rules/observe.ts';
import { operationPath } from '../../../src/contract/operations.ts';
import { routeOf } from '../../../src/contract/route-table.ts';
import type { JournalEntry, JournalEvent } from '../../../src/kernel/journal.ts';
import type { HttpRequest, HttpTransport } from '../../../src/sdk/http-transport.ts';
import { createRig, ONE_PROXY, type Rig } from './rig.ts';

/** The same request to HCI, which names servers by its own ids. */
function toHci(rig: Rig, request: HttpRequest): HttpRequest {
  const route = routeOf(request.method, request.path);
  const hciId = (id: string): string =>
    rig.hosted.world.servers.list().find((server) => server.id === id)?.vmId ?? id;
  const path = (operation: 'hci.hot-add.add' | 'hci.hot-add.remove') =>
    operationPath(operation, { server_id: hciId(route?.params['server_id'] ?? '') });
  switch (route?.operation) {
    case 'hot-add.add': {
      const { disks } = JSON.parse(request.body ?? '') as { disks: Record<string, string>[] };
      const named = disks.map((disk) => ({
        diskId: disk['disk_id'],
        applicationType: disk['application_type'],
        snapshotId: disk['snapshot_id'],
        sourceVmId: hciId(disk['source_server_id'] ?? ''),
      }));
      return { ...request, path: path('hci.hot-add.add'), body: JSON.stringify({ disks: named }) };
    }
    case 'hot-add.remove': {
      const { disk_ids: diskIds } = JSON.parse(request.body ?? '') as { disk_ids: string[] };
      return { ...request, path: path('hci.hot-add.remove'), body: JSON.stringify({ diskIds }) };
    }
    default:
      return request;
  }
}

/** A backup and a restore, as a harness would note them. */
async function journalOf(overHci: boolean): Promise<readonly JournalEntry[]> {
  // A signature is one of the path, so the login is not by keys.
  await using rig = await createRig({ proxies: ONE_PROXY, login: 'password' });
  const { journal } = rig.hosted.world;
  const { transport } = rig.simulator;
  const scp: HttpTransport = overHci
    ? { ...transport, send: (request, signal) => transport.send(toHci(rig, request), signal) }
    : transport;
  const engine = rig.engine({}, (env) => ({ ...env, scp }));
  const noted = async <T>(
    job: number,
    operation: 'backup' | 'restore',
    work: () => Promise<T>,
  ): Promise<T> => {
    const about = { type: 'job', engine: 'first', job, operation, server: rig.server.id } as const;
    const actor = rig.hosted.world.credentials[0]?.username ?? '';
    const note = (phase: 'begins' | 'succeeds'): JournalEvent => ({ ...about, actor, phase });
    journal.append(note('begins'));
    const result = await rig.run(work());
    journal.append(note('succeeds'));
    return result;
  };
  const order = { transport: 'hotadd' } as const;
  const { pointId } = await noted(1, 'backup', () => engine.backup({ ...order, server: 'erp-01' }));
  await noted(2, 'restore', () => engine.restore({ ...order, pointId, to: 'new' }));
  return journal.entries;
}

function judged(journal: readonly JournalEntry[]) {
  const seen = observe(journal);
  const question = { rules: RULES, scenario: 'hotadd', engine: 'hotadd' };
  const verdicts = judgeRules(seen, question).map(({ rule, outcome, exercised }) => ({
    rule,
    outcome,
    exercised,
  }));
  const calls = seen.hotAdded.map(({ createdBy, deletedBy }) => [
    createdBy?.call,
    deletedBy.map(({ call }) => call),
  ]);
  const names = {
    deleteSnapshot: ['snapshots.delete'],
    deleteResource: ['backup-resources.delete'],
    hotRemove: ['hot-add.remove', 'hci.hot-add.remove'],
  };
  return { verdicts, calls, locks: findLockViolations(journal, names, seen.actors) };
}

it('an engine that hot-adds over HCI is judged as one that does over SCP', async () => {
  const [scp, hci] = [await journalOf(false), await journalOf(true)];
  const operations = (journal: readonly JournalEntry[]): ReadonlySet<string> =>
    new Set(
      journal.flatMap((entry) =>
        entry.type === 'rest.request' && entry.operation.includes('hot-add.') ? [entry.operation] : [],
      ),
    );
  expect(operations(scp)).toEqual(new Set(['hot-add.add', 'hot-add.remove']));
  expect(operations(hci)).toEqual(new Set(['hci.hot-add.add', 'hci.hot-add.remove']));
  const { verdicts, calls } = judged(scp);
  expect(calls.length).toBeGreaterThan(3);
  expect(calls).not.toContainEqual([undefined, expect.anything()]);
  expect(calls).not.toContainEqual([expect.anything(), []]);
  expect(
    verdicts.filter(({ rule, exercised }) => rule.startsWith('HOTADD') && exercised > 0).length,
  ).toBeGreaterThan(5);
  expect(judged(hci)).toEqual(judged(scp));
});
