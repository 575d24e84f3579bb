/** What the schema can't say: names that must exist, ranges that must fit, triggers that must be complete. */
import { TASK_PLACES } from '../../simulator/fault/fault-place.ts';
import { parseFaultSpec } from '../../simulator/fault/fault-spec.ts';
import { ApiError } from '../../src/contract/errors.ts';
import { OPERATION_NAMES } from '../../src/contract/operations.ts';
import type { Transport } from '../../src/engine/engine-api.ts';
import { hostCount } from './build-world.ts';
import { faultSpecOf, KIND_WORDS, neededWordsOf, wordsOf } from './fault-words.ts';
import type { Problem } from '../driver/checked-yaml.ts';
import { parseSize } from './quantities.ts';
import type {
  AttackNode,
  Scenario,
  StepBodies,
  StepNode,
  TriggerNode,
  WorldNode,
} from './scenario-schema.ts';

type Path = readonly (string | number)[];

interface Story {
  readonly proxies: ReadonlySet<string>;
  readonly disks: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly firstServer: string;
  readonly granularityBytes: number;
}

export function findStoryProblems(scenario: Scenario): Problem[] {
  const story = readStory(scenario);
  return [
    ...duplicates(scenario),
    ...worldProblems(scenario.world),
    ...(['prepare', 'steps'] as const).flatMap((part) =>
      (scenario[part] ?? []).flatMap((step, at) => stepProblems(story, step, [part, at])),
    ),
    ...(scenario.attack ?? []).flatMap((entry, at) => attackProblems(entry, ['attack', at])),
    ...(scenario.expect?.journal ?? []).flatMap(({ match }, at) =>
      operationProblems(match['operation'], ['expect', 'journal', at, 'match', 'operation']),
    ),
  ];
}

function readStory(scenario: Scenario): Story {
  const servers = scenario.world.servers;
  return {
    proxies: new Set((scenario.world.proxies ?? [{ name: 'proxy-1' }]).map(({ name }) => name)),
    disks: new Map(
      servers.map((s) => [
        s.name,
        new Map(s.disks.map((d): [string, number] => [d.slot, parseSize(d.size)])),
      ]),
    ),
    firstServer: servers[0]?.name ?? '',
    granularityBytes: scenario.world.settings?.granularityBytes ?? 65_536,
  };
}

function duplicates({ world }: Scenario): Problem[] {
  const seen = new Set<string>();
  const machines = (['servers', 'proxies'] as const).flatMap((kind) =>
    (world[kind] ?? []).map(({ name }, at) => ({ name, path: ['world', kind, at, 'name'] })),
  );
  return machines.flatMap(({ name, path }) => {
    const isTwice = seen.has(name);
    seen.add(name);
    return isTwice ? [{ path, message: `${name} is there already` }] : [];
  });
}

/** Hosts and datastores must exist, and a server must run where its disks are. */
function worldProblems(world: WorldNode): Problem[] {
  const hosts = hostCount(world);
  const host = (number: number | undefined, path: Path): Problem[] =>
    number === undefined || number <= hosts ? [] : [{ path, message: `there are ${hosts} hosts` }];
  const datastores = world.datastores ?? [{ name: 'datastore-1' }];
  return [
    ...datastores.flatMap((node, at) =>
      (node.hosts ?? []).flatMap((number, hostAt) =>
        host(number, ['world', 'datastores', at, 'hosts', hostAt]),
      ),
    ),
    ...(world.proxies ?? []).flatMap((proxy, at) => host(proxy.host, ['world', 'proxies', at, 'host'])),
    ...world.servers.flatMap((server, at) => [
      ...host(server.host, ['world', 'servers', at, 'host']),
      ...server.disks.flatMap(({ datastore }, diskAt): Problem[] => {
        const path = ['world', 'servers', at, 'disks', diskAt, 'datastore'];
        const found = datastores.find(({ name }) => datastore === undefined || name === datastore);
        if (found === undefined) return [{ path, message: `no datastore is called ${datastore}` }];
        const own = server.host ?? (at % hosts) + 1;
        if (found.hosts?.includes(own) ?? true) return [];
        return [{ path, message: `host ${own} of ${server.name} does not reach ${found.name}` }];
      }),
    ]),
  ];
}

function stepProblems(story: Story, step: StepNode, path: Path): Problem[] {
  const kinds = Object.keys(step);
  if (kinds.length !== 1) {
    return [
      { path, message: `a step is exactly one thing; this one is ${kinds.join(' and ') || 'nothing'}` },
    ];
  }
  if (step.together !== undefined) {
    return step.together.flatMap((list, at) =>
      list.flatMap((inner, innerAt) => stepProblems(story, inner, [...path, 'together', at, innerAt])),
    );
  }
  return [
    ...serverProblems(story, step, path),
    ...rangeProblems(story, step, path),
    ...(step.waitFor ? triggerProblems(step.waitFor, [...path, 'waitFor']) : []),
    ...(step.kill ? triggerProblems(step.kill.when, [...path, 'kill', 'when']) : []),
    ...faultProblems(step, path),
  ];
}

/** A restored server has a name that the world does not know yet. */
const MAY_BE_RESTORED: ReadonlySet<string> = new Set(['check', 'start', 'backup', 'mark', 'deleteServer']);

function serverProblems(story: Story, step: StepNode, path: Path): Problem[] {
  return Object.entries(step).flatMap(([kind, body]): Problem[] => {
    if (typeof body !== 'object') return [];
    const { server, proxy } = body as { server?: string; proxy?: string };
    const isKnown =
      server === undefined ||
      story.disks.has(server) ||
      story.proxies.has(server) ||
      MAY_BE_RESTORED.has(kind);
    return [
      ...(isKnown ? [] : [{ path: [...path, kind, 'server'], message: `no server is called ${server}` }]),
      ...(proxy === undefined || story.proxies.has(proxy)
        ? []
        : [{ path: [...path, kind, 'proxy'], message: `no proxy is called ${proxy}` }]),
    ];
  });
}

function rangeProblems(story: Story, step: StepNode, path: Path): Problem[] {
  const [kind, range] = Object.entries({ write: step.write, zero: step.zero, trim: step.trim }).find(
    ([, body]) => body !== undefined,
  ) ?? ['write', undefined];
  if (range === undefined) return [];
  const disks = story.disks.get(range.server ?? story.firstServer);
  const slot = range.disk ?? disks?.keys().next().value ?? '';
  const size = disks?.get(slot);
  if (size === undefined) return [{ path: [...path, kind, 'disk'], message: `there is no disk ${slot}` }];
  const offset = parseSize(range.at);
  const end = offset + parseSize(range.length);
  if (end > size)
    return [{ path: [...path, kind, 'length'], message: `ends at ${end}, the disk at ${size}` }];
  const block = story.granularityBytes;
  const isAligned = offset % block === 0 && (end % block === 0 || end === size);
  if (kind !== 'trim' || isAligned) return [];
  return [{ path: [...path, kind], message: `a trim must consist of whole blocks of ${block} bytes` }];
}

function attackProblems(entry: AttackNode, path: Path): Problem[] {
  const { fault, kill, clockJump } = entry;
  return [
    ...(kill ? triggerProblems(kill.when, [...path, 'kill', 'when']) : []),
    ...(clockJump ? triggerProblems(clockJump.when, [...path, 'clockJump', 'when']) : []),
    ...(fault ? faultProblems({ fault }, path) : []),
  ];
}

function triggerProblems(trigger: TriggerNode, path: Path): Problem[] {
  const { operation, dataBytes, device, storage, elapsed, checkpoint, event } = trigger;
  const given = [operation, dataBytes, device, storage, elapsed, checkpoint, event].filter(
    (part) => part !== undefined,
  );
  if (given.length !== 1)
    return [
      { path, message: 'needs one of operation, dataBytes, device, storage, elapsed, checkpoint, event' },
    ];
  return operationProblems(operation, [...path, 'operation']);
}

/** `also`: words that stand for more than one operation. */
function operationProblems(
  name: string | number | boolean | undefined,
  path: Path,
  also: readonly string[] = [],
): Problem[] {
  const known: readonly unknown[] = [...OPERATION_NAMES, ...also];
  if (name === undefined || known.includes(name)) return [];
  return [{ path, message: `no operation is called ${name} (see "backlot list endpoints")` }];
}

/** Besides operations. */
const FAULT_PLACES = ['*', 'nbd', 'guest', 'data', 'lease', ...TASK_PLACES];

function faultProblems(step: StepNode, path: Path): Problem[] {
  const { fault } = step;
  if (fault === undefined) return [];
  const needed = neededWordsOf(fault.kind);
  const allowed = wordsOf(fault.kind);
  const fields: Readonly<Record<string, unknown>> = fault;
  const onProblems = operationProblems(fault.on, [...path, 'fault', 'on'], FAULT_PLACES);
  const wordProblems = KIND_WORDS.flatMap((name): Problem[] => {
    const isThere = fields[name] !== undefined;
    if (isThere ? allowed.includes(name) : !needed.includes(name)) return [];
    const message = isThere ? `does not belong to ${fault.kind}` : `is needed by ${fault.kind}`;
    return [{ path: [...path, 'fault', name], message }];
  });
  const problems = [...onProblems, ...wordProblems];
  return problems.length > 0 ? problems : simulatorProblems(fault, path);
}

/** What the simulator would say of it, on one data path at least. */
function simulatorProblems(fault: StepBodies['fault'], path: Path): Problem[] {
  const [nbd, hotadd] = (['nbd', 'hotadd'] as const).map((transport) => refusalOf(fault, transport));
  if (nbd === undefined || hotadd === undefined) return [];
  return nbd.split('; ').map((text) => {
    const [field = '', message = ''] = text.split(/: (.*)/s);
    return { path: [...path, 'fault', field], message };
  });
}

function refusalOf(fault: StepBodies['fault'], transport: Transport): string | undefined {
  try {
    parseFaultSpec(faultSpecOf(fault, transport));
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return error.detail ?? error.message;
    throw error;
  }
}
