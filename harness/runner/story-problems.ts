/** What the schema can't say: names that must exist, ranges that must fit, triggers that must be complete. */
import { OPERATION_NAMES } from '../../src/contract/operations.ts';
import type { Problem } from './parse-scenario.ts';
import { parseSize } from './quantities.ts';
import type { Scenario, StepNode, TriggerNode } from './scenario-schema.ts';

type Path = readonly (string | number)[];

interface Story {
  readonly disks: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly firstServer: string;
  readonly granularityBytes: number;
}

export function findStoryProblems(scenario: Scenario): Problem[] {
  const story = readStory(scenario);
  return [
    ...duplicates(scenario),
    ...scenario.steps.flatMap((step, at) => stepProblems(story, step, ['steps', at])),
    ...(scenario.expect?.journal ?? []).flatMap(({ match }, at) =>
      operationProblems(match['operation'], ['expect', 'journal', at, 'match', 'operation']),
    ),
  ];
}

function readStory(scenario: Scenario): Story {
  const servers = scenario.world.servers;
  return {
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

function duplicates(scenario: Scenario): Problem[] {
  const seen = new Set<string>();
  return scenario.world.servers.flatMap(({ name }, at) => {
    const isTwice = seen.has(name);
    seen.add(name);
    return isTwice ? [{ path: ['world', 'servers', at, 'name'], message: `${name} is there already` }] : [];
  });
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

function serverProblems(story: Story, step: StepNode, path: Path): Problem[] {
  return Object.entries(step).flatMap(([kind, body]): Problem[] => {
    if (typeof body !== 'object' || !('server' in body) || typeof body.server !== 'string') return [];
    // A restored server has a name that the world does not know yet.
    if (story.disks.has(body.server) || kind === 'check' || kind === 'start' || kind === 'backup') return [];
    return [{ path: [...path, kind, 'server'], message: `no server is called ${body.server}` }];
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

function triggerProblems(trigger: TriggerNode, path: Path): Problem[] {
  const { operation, nbdBytes, storage, elapsed } = trigger;
  const given = [operation, nbdBytes, storage, elapsed].filter((part) => part !== undefined);
  if (given.length !== 1) return [{ path, message: 'needs one of operation, nbdBytes, storage, elapsed' }];
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

const FAULT_FIELDS: Readonly<Record<string, readonly string[]>> = {
  error: ['status'],
  delay: ['delay'],
  'drop-after-bytes': ['bytes'],
  'silence-after-bytes': ['bytes'],
  'bad-certificate': ['flaw'],
};
const OPTIONAL_FAULT_FIELDS: Readonly<Record<string, readonly string[]>> = {
  delay: ['when'],
  error: ['message'],
};
const ALL_FAULT_FIELDS = ['status', 'message', 'delay', 'when', 'bytes', 'flaw'];

function faultProblems(step: StepNode, path: Path): Problem[] {
  const { fault } = step;
  if (fault === undefined) return [];
  const needed = FAULT_FIELDS[fault.kind] ?? [];
  const fields: Readonly<Record<string, unknown>> = fault;
  const onProblems = operationProblems(fault.on, [...path, 'fault', 'on'], ['*', 'nbd']);
  const fieldProblems = ALL_FAULT_FIELDS.flatMap((name): Problem[] => {
    const isThere = fields[name] !== undefined;
    const isOptional = OPTIONAL_FAULT_FIELDS[fault.kind]?.includes(name) ?? false;
    if (isThere === needed.includes(name) || (isThere && isOptional)) return [];
    const message = isThere ? `does not belong to ${fault.kind}` : `is needed by ${fault.kind}`;
    return [{ path: [...path, 'fault', name], message }];
  });
  return [...onProblems, ...fieldProblems];
}
