/** All ways to make a scenario smaller by one step, the boldest first. A candidate may be nonsense; its reader says so. */
import { parseSize } from '../runner/quantities.ts';
import type { AttackNode, Scenario, StepNode, WorldNode } from '../runner/scenario-schema.ts';

export function* smallerScenarios(scenario: Scenario): Generator<Scenario, void> {
  yield* fewerAttacks(scenario);
  yield* fewerSteps(scenario);
  yield* fewerServers(scenario);
  yield* fewerDisks(scenario);
  yield* plainer(scenario);
  yield* smallerDisks(scenario);
  yield* plainerSteps(scenario);
  yield* plainerAttacks(scenario);
}

/** Without half of it, without a quarter, ... without one. */
function* without<T>(list: readonly T[]): Generator<readonly T[], void> {
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let from = 0; from < list.length; from += size)
      yield [...list.slice(0, from), ...list.slice(from + size)];
}

function* fewerAttacks(scenario: Scenario): Generator<Scenario, void> {
  for (const attack of without<AttackNode>(scenario.attack ?? []))
    if (attack.length > 0) yield { ...scenario, attack: [...attack] };
}

function* fewerSteps(scenario: Scenario): Generator<Scenario, void> {
  for (const prepare of without<StepNode>(scenario.prepare ?? []))
    yield prepare.length > 0 ? { ...scenario, prepare: [...prepare] } : omit(scenario, 'prepare');
  for (const steps of without<StepNode>(scenario.steps))
    if (steps.length > 0) yield { ...scenario, steps: [...steps] };
  for (const [at, step] of scenario.steps.entries()) {
    for (const list of step.together ?? [])
      yield { ...scenario, steps: scenario.steps.toSpliced(at, 1, ...list) };
    for (const together of fewerTogether(step.together ?? []))
      yield { ...scenario, steps: scenario.steps.toSpliced(at, 1, { together }) };
  }
}

type Lists = NonNullable<StepNode['together']>;

/** At least two lists, or they are no longer side by side; each of at least one step. */
function* fewerTogether(lists: Lists): Generator<Lists, void> {
  for (const fewer of without(lists)) if (fewer.length > 1) yield [...fewer];
  for (const [at, list] of lists.entries())
    for (const fewer of without(list)) if (fewer.length > 0) yield lists.toSpliced(at, 1, [...fewer]);
}

function* fewerServers(scenario: Scenario): Generator<Scenario, void> {
  const { world } = scenario;
  for (const servers of without(world.servers)) {
    if (servers.length === 0) continue;
    const names = new Set(world.servers.filter((one) => !servers.includes(one)).map(({ name }) => name));
    const steps = scenario.steps.filter((step) => !names.has(serverOf(step)));
    if (steps.length > 0) yield withWorld({ ...scenario, steps }, { servers: [...servers] });
  }
}

function serverOf(step: StepNode): string {
  const [body] = Object.values(step);
  return typeof body === 'object' && 'server' in body && typeof body.server === 'string' ? body.server : '';
}

function* fewerDisks(scenario: Scenario): Generator<Scenario, void> {
  for (const [at, server] of scenario.world.servers.entries())
    for (const disks of without(server.disks))
      if (disks.length > 0) yield withServer(scenario, at, { disks: [...disks] });
}

/** Without what is optional, one thing at a time. */
function* plainer(scenario: Scenario): Generator<Scenario, void> {
  for (const key of ['expect', 'stories', 'secondEngine', 'engine'] as const)
    if (scenario[key] !== undefined) yield omit(scenario, key);
  for (const key of Object.keys(scenario.engine ?? {}))
    yield { ...scenario, engine: omit(scenario.engine ?? {}, key as keyof typeof scenario.engine) };
  for (const key of ['settings', 'hosts', 'datastores', 'proxies', 'version'] as const)
    if (key in scenario.world)
      yield { ...scenario, world: omit(scenario.world, key as keyof WorldNode) as WorldNode };
  for (const [at, server] of scenario.world.servers.entries())
    for (const key of ['state', 'host'] as const)
      if (key in server) yield withServer(scenario, at, omit(server, key));
}

const SMALLEST_DISK = 64 * 1024;

function* smallerDisks(scenario: Scenario): Generator<Scenario, void> {
  for (const [at, server] of scenario.world.servers.entries())
    for (const [diskAt, disk] of server.disks.entries()) {
      const change = (node: typeof disk): Scenario =>
        withServer(scenario, at, { disks: server.disks.toSpliced(diskAt, 1, node) });
      const half = Math.floor(parseSize(disk.size) / 2 / SMALLEST_DISK) * SMALLEST_DISK;
      for (const bytes of [SMALLEST_DISK, half])
        if (bytes >= SMALLEST_DISK && bytes < parseSize(disk.size))
          yield change({ ...disk, size: `${bytes / 1024}KiB` });
      for (const key of ['content', 'cbt', 'datastore'] as const)
        if (key in disk) yield change(omit(disk, key as keyof typeof disk) as typeof disk);
      if (disk.content?.run !== undefined)
        yield change({ ...disk, content: { allocated: disk.content.allocated } });
    }
}

function* plainerSteps(scenario: Scenario): Generator<Scenario, void> {
  for (const [at, step] of scenario.steps.entries()) {
    const [kind = '', body] = Object.entries(step)[0] ?? [];
    if (typeof body !== 'object' || Array.isArray(body)) continue;
    for (const key of Object.keys(body)) {
      const plain = { [kind]: omit(body as Readonly<Record<string, unknown>>, key) } as StepNode;
      yield { ...scenario, steps: scenario.steps.toSpliced(at, 1, plain) };
    }
  }
}

/** A fault that strikes for ever may do with striking once, and earlier. */
function* plainerAttacks(scenario: Scenario): Generator<Scenario, void> {
  const attack = scenario.attack ?? [];
  for (const [at, entry] of attack.entries()) {
    const change = (node: AttackNode): Scenario => ({ ...scenario, attack: attack.toSpliced(at, 1, node) });
    const { fault, kill } = entry;
    if (fault?.times === 0) yield change({ fault: omit(fault, 'times') as typeof fault });
    for (const key of ['server', 'device', 'times', 'after'] as const)
      if (fault?.[key] !== undefined) yield change({ fault: omit(fault, key) as typeof fault });
    if (kill?.powerCut !== undefined) yield change({ kill: omit(kill, 'powerCut') as typeof kill });
  }
}

function withWorld(scenario: Scenario, change: Partial<WorldNode>): Scenario {
  return { ...scenario, world: { ...scenario.world, ...change } };
}

type ServerNode = WorldNode['servers'][number];

function withServer(scenario: Scenario, at: number, change: Partial<ServerNode>): Scenario {
  const server = scenario.world.servers[at];
  if (server === undefined) return scenario;
  return withWorld(scenario, { servers: scenario.world.servers.toSpliced(at, 1, { ...server, ...change }) });
}

function omit<T extends object, K extends keyof T>(from: T, key: K): Omit<T, K> {
  const { [key]: _gone, ...rest } = from;
  return rest;
}
