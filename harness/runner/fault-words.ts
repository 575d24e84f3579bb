/** Faults in the words of scenario files: durations and sizes are texts, and some fields have a usual value. */
import type { FaultKind, FaultSpec } from '../../simulator/fault/fault-api.ts';
import type { FaultField } from '../../simulator/fault/fault-fields.ts';
import { COMMON_FIELDS } from '../../simulator/fault/fault-spec.ts';
import { FAULT_KIND_NAMES, kindRowOf } from '../../simulator/fault/fault-kinds.ts';
import type { Transport } from '../../src/engine/engine-api.ts';
import { parseDuration, parseSize } from './quantities.ts';
import type { StepBodies } from './scenario-schema.ts';

/** Every word that belongs to some kinds only. */
export const KIND_WORDS: readonly string[] = [...new Set(FAULT_KIND_NAMES.flatMap(wordsOf))];

/** Words of a kind that a file may use. */
export function wordsOf(kind: FaultKind['kind']): string[] {
  return Object.values(kindRowOf(kind).fields).map(({ word }) => word);
}

/** Words of a kind that a file must use. */
export function neededWordsOf(kind: FaultKind['kind']): string[] {
  return Object.values(kindRowOf(kind).fields)
    .filter(({ isOptional, fallback }) => isOptional !== true && fallback === undefined)
    .map(({ word }) => word);
}

/** The fault as the simulator takes it; `data` is the data path of the engine. */
export function faultSpecOf(body: StepBodies['fault'], transport: Transport): FaultSpec {
  const given: Readonly<Record<string, unknown>> = body;
  const { id, kind, server, device, resource, actor, connection, step, after, times } = body;
  const on = body.on === 'data' ? (transport === 'hotadd' ? 'guest' : 'nbd') : body.on;
  const atRemaining = valueOf(body.atRemaining, COMMON_FIELDS.atRemaining);
  const common = {
    atRemaining,
    id,
    kind,
    on,
    server,
    device,
    resource,
    actor,
    connection,
    step,
    after,
    times,
  };
  const own = Object.entries(kindRowOf(kind).fields).map(([name, field]) => [
    name,
    valueOf(given[field.word] ?? field.fallback, field),
  ]);
  const fields = [...Object.entries(common), ...own].filter(([, value]) => value !== undefined);
  // The simulator checks every field; which fields belong to which kind was checked with the file.
  return Object.fromEntries(fields);
}

function valueOf(written: unknown, { form }: FaultField): unknown {
  if (written === undefined || form === 'plain') return written;
  if (form === 'size') return parseSize(written as string | number);
  const ms = parseDuration(written as string);
  return form === 'duration-ms' ? ms : ms / 1000;
}
