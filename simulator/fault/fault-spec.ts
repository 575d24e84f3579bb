/** Reads fault descriptions that come from outside: a control request, a scenario, a test. */
import { ApiError } from '../../src/contract/errors.ts';
import type { FaultKind, FaultSpec } from './fault-api.ts';
import { TASK_STEPS } from '../domain/interference.ts';
import { type FaultFields, oneOf, optional, seconds, text, whole } from './fault-fields.ts';
import { FAULT_KIND_NAMES, FAULT_KINDS, kindRowOf } from './fault-kinds.ts';
import { placeOf, placeProblems } from './fault-place.ts';
import type { KindRow } from './kind-row.ts';

const ANY_NUMBER = [0, Number.MAX_SAFE_INTEGER] as const;

/** Fields of every fault: which one it is, where it strikes, how often. */
export const COMMON_FIELDS = {
  kind: text('kind'),
  on: text('on'),
  id: optional(text('id')),
  server: optional(text('server')),
  device: optional(text('device')),
  resource: optional(text('resource')),
  actor: optional(text('actor')),
  connection: optional(whole('connection', 1, Number.MAX_SAFE_INTEGER)),
  step: optional(oneOf('step', TASK_STEPS)),
  atRemaining: optional(seconds('atRemaining', 1)),
  after: optional(whole('after', ...ANY_NUMBER)),
  times: optional(whole('times', ...ANY_NUMBER)),
} as const satisfies FaultFields;

type Given = Readonly<Record<string, unknown>>;

/**
 * A fault description, checked.
 * @throws ApiError INVALID_PARAMETER naming every field that is wrong, and what is allowed there
 */
export function parseFaultSpec(input: unknown): FaultSpec {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new ApiError('INVALID_PARAMETER', 'a fault is an object with "kind" and "on"');
  const given = input as Given;
  const kind = parseKind(given['kind']);
  const row = kindRowOf(kind);
  const problems = [...missing(given, row), ...wrong(given, row), ...misplaced(given, kind, row)];
  if (problems.length > 0) throw new ApiError('INVALID_PARAMETER', problems.join('; '));
  return given as unknown as FaultSpec;
}

function parseKind(kind: unknown): FaultKind['kind'] {
  if (typeof kind === 'string' && Object.hasOwn(FAULT_KINDS, kind)) return kind as FaultKind['kind'];
  throw new ApiError('INVALID_PARAMETER', `kind: must be one of ${FAULT_KIND_NAMES.join(', ')}`);
}

function missing(given: Given, row: KindRow): string[] {
  const needed = Object.entries({ on: COMMON_FIELDS.on, ...row.fields });
  return needed
    .filter(([name, { isOptional }]) => given[name] === undefined && isOptional !== true)
    .map(([name]) => `${name}: is missing`);
}

function wrong(given: Given, row: KindRow): string[] {
  const fields: FaultFields = { ...COMMON_FIELDS, ...row.fields };
  return Object.entries(given).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (!Object.hasOwn(fields, name))
      return [`${name}: is not a field of this fault; allowed are ${Object.keys(fields).join(', ')}`];
    const problem = fields[name]?.check(value);
    return problem === undefined ? [] : [`${name}: ${problem}`];
  });
}

function misplaced(given: Given, kind: FaultKind['kind'], row: KindRow): string[] {
  const { on } = given;
  if (typeof on !== 'string') return [];
  const problems = placeProblems(on, row);
  if (problems.length > 0) return problems;
  if (kind === 'bad-certificate' && isNarrowed(given))
    return ['server: not for this fault; a certificate is shown before the client names its disk'];
  if (kind === 'device-order' && given['device'] !== undefined)
    return ['device: not for this fault; it strikes at all disks of one HotAdd task'];
  if (given['connection'] !== undefined && placeOf(on) !== 'nbd')
    return ['connection: only for faults on nbd'];
  if ((given['atRemaining'] !== undefined) !== (placeOf(on) === 'lease'))
    return ['atRemaining: faults on lease need it, others do not have it'];
  return placeOf(on) === 'task' ? taskProblems(given, on) : stepProblems(given);
}

/** Actions whose effect comes with the call: a task that does nothing makes no difference. */
const DONE_BY_CALL = ['task:backup-resource.renew', 'task:backup-resource.delete'];

function taskProblems({ kind, when, device }: Given, on: string): string[] {
  if (kind === 'task-phantom' && DONE_BY_CALL.includes(on))
    return ['on: the call itself has this effect, so that a phantom of its task is none'];
  if (when === 'after') return ['when: a task has no reply'];
  return device === undefined ? [] : ['device: not for tasks'];
}

function stepProblems({ step }: Given): string[] {
  if (step !== undefined) return ['step: only for faults on task:<action>'];
  return [];
}

function isNarrowed(given: Given): boolean {
  return ['server', 'device', 'resource', 'actor', 'connection'].some((name) => given[name] !== undefined);
}
