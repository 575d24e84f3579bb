/** Compares what a job gave with what the scenario expects. Every function returns what is wrong, as text. */
import type { BackupResult, RestoreResult } from '../../src/engine/engine-api.ts';
import { describeChain, errorChain } from './error-chain.ts';
import { parseDuration } from './quantities.ts';
import type { BoundsNode, ErrorNode, StepBodies, WarningsNode } from './scenario-schema.ts';

export type BackupExpectation = NonNullable<StepBodies['backup']['expect']>;
export type RestoreExpectation = NonNullable<StepBodies['restore']['expect']>;

export interface Mismatch {
  readonly expected: string;
  readonly actual: string;
}

export function checkBackup(expect: BackupExpectation, result: BackupResult): Mismatch[] {
  return [
    ...differs('a point of kind', expect.kind, result.kind),
    ...checkReason('full', expect.fullBecause, result.fullBecause),
    ...checkDataPath(expect, result),
    ...checkMethods(expect.methods ?? {}, result),
    ...checkReadBytes(expect.readBytes ?? {}, result),
    ...checkBounds('renewals', expect.renewals, result.renewals),
    ...checkBounds('reconnects', expect.reconnects, result.reconnects),
    ...checkWarnings(expect.warnings, result.warnings),
    ...checkDuration(expect.takes, result.durationMs),
  ];
}

export function checkRestore(expect: RestoreExpectation, result: RestoreResult): Mismatch[] {
  const isDifferential = (is: boolean | undefined): string => (is === true ? 'differential' : 'whole');
  return [
    ...checkDataPath(expect, result),
    ...differs(
      'a restore that is',
      expect.differential === undefined ? undefined : isDifferential(expect.differential),
      isDifferential(result.differential),
    ),
    ...checkReason('whole', expect.wholeBecause, result.wholeBecause ?? ''),
    ...checkBounds('renewals', expect.renewals, result.renewals),
    ...checkWarnings(expect.warnings, result.warnings),
    ...Object.entries(expect.writtenBytes ?? {}).flatMap(([slot, bounds]) => {
      const disk = result.disks.find(({ deviceId }) => deviceId === slot);
      return checkBounds(`written bytes of ${slot}`, bounds, disk?.writtenBytes ?? -1);
    }),
  ];
}

export function checkError(expect: ErrorNode | undefined, error: unknown): Mismatch[] {
  if (expect === undefined) return [];
  const chain = errorChain(error);
  const actual = describeChain(error);
  const { name, code, contains } = expect;
  return [
    ...(name === undefined || chain.some((link) => link.name === name)
      ? []
      : [{ expected: `an error of class ${name}`, actual }]),
    ...(code === undefined || chain.some((link) => link.code === code)
      ? []
      : [{ expected: `an error with code ${code}`, actual }]),
    ...(contains === undefined || chain.some((link) => includes(link.message, contains))
      ? []
      : [{ expected: `an error that says "${contains}"`, actual }]),
  ];
}

export function checkBounds(what: string, bounds: BoundsNode | undefined, actual: number): Mismatch[] {
  if (bounds === undefined) return [];
  const { atLeast = 0, atMost = Number.POSITIVE_INFINITY, exactly = actual } = bounds;
  if (actual >= atLeast && actual <= atMost && actual === exactly) return [];
  const limits = Object.entries(bounds).map(([word, value]) => `${word} ${value}`);
  return [{ expected: `${what}: ${limits.join(', ')}`, actual: String(actual) }];
}

export function checkWarnings(expect: WarningsNode | undefined, actual: readonly string[]): Mismatch[] {
  if (expect === undefined) return [];
  const found = actual.join(' | ') || 'no warnings';
  if (expect === 'none') return actual.length === 0 ? [] : [{ expected: 'no warnings', actual: found }];
  return expect
    .filter((part) => !actual.some((warning) => includes(warning, part)))
    .map((part) => ({ expected: `a warning that says "${part}"`, actual: found }));
}

function checkReason(what: string, expect: string | undefined, actual: string): Mismatch[] {
  if (expect === undefined) return [];
  const isMet = expect === '' ? actual === '' : includes(actual, expect);
  return isMet ? [] : [{ expected: `${what} because "${expect}"`, actual: `"${actual}"` }];
}

function checkDataPath(
  { transport, proxy }: Pick<BackupExpectation, 'transport' | 'proxy'>,
  result: Pick<BackupResult, 'transport' | 'proxy'>,
): Mismatch[] {
  const allowed = typeof proxy === 'string' ? [proxy] : proxy;
  const actual = result.proxy ?? 'no proxy';
  return [
    ...differs('data path', transport, result.transport),
    ...(allowed === undefined || allowed.includes(actual)
      ? []
      : [{ expected: `proxy ${allowed.join(' or ')}`, actual }]),
  ];
}

function checkMethods(expect: NonNullable<BackupExpectation['methods']>, result: BackupResult): Mismatch[] {
  return Object.entries(expect).flatMap(([slot, method]) => {
    const allowed: readonly string[] = typeof method === 'string' ? [method] : method;
    const actual = result.disks.find(({ deviceId }) => deviceId === slot)?.method ?? 'nothing: no such disk';
    return allowed.includes(actual) ? [] : differs(`${slot} found by`, allowed.join(' or '), actual);
  });
}

function checkReadBytes(expect: Readonly<Record<string, BoundsNode>>, result: BackupResult): Mismatch[] {
  return Object.entries(expect).flatMap(([slot, bounds]) => {
    const disk = result.disks.find(({ deviceId }) => deviceId === slot);
    return checkBounds(`read bytes of ${slot}`, bounds, disk?.readBytes ?? -1);
  });
}

function checkDuration(expect: BackupExpectation['takes'], actualMs: number): Mismatch[] {
  return checkBounds(
    'duration in ms',
    expect && {
      ...(expect.atLeast === undefined ? {} : { atLeast: parseDuration(expect.atLeast) }),
      ...(expect.atMost === undefined ? {} : { atMost: parseDuration(expect.atMost) }),
    },
    actualMs,
  );
}

function differs(what: string, expected: string | undefined, actual: string): Mismatch[] {
  return expected === undefined || expected === actual
    ? []
    : [{ expected: `${what} ${expected}`, actual: `${what} ${actual}` }];
}

function includes(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase());
}
