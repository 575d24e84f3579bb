/** One job of somebody else's engine, from its start to its result, held to the driver protocol. */
import type { Clock } from '../../src/kernel/clock.ts';
import type { EngineDoor, JobEnd } from './engine-door.ts';
import type { DriverJob, DriverLine, OkLine } from './protocol.ts';
import { createLineReader, type LineProblem, type LineReader } from './read-lines.ts';

export interface JobOrder {
  readonly door: EngineDoor;
  readonly job: DriverJob;
  /** The machine's own time. */
  readonly wall: Clock;
  /** Milliseconds of the wall after which the engine is ended by force. */
  readonly limitMs: number;
  readonly onLine?: (line: DriverLine) => void;
}

export type JobOutcome =
  | { readonly kind: 'ok'; readonly result: OkLine }
  | { readonly kind: 'failed'; readonly error: string; readonly evidence: readonly string[] }
  | { readonly kind: 'killed' }
  | { readonly kind: 'breach'; readonly breach: Breach };

/** The engine did not keep to the protocol. */
export interface Breach {
  readonly expected: string;
  readonly actual: string;
  readonly evidence: readonly string[];
}

export interface PlayedJob {
  /** Never rejects. */
  readonly outcome: Promise<JobOutcome>;
  kill(): void;
}

const SHOWN_ERROR_LINES = 12;

export function playJob({ door, job, wall, limitMs, onLine }: JobOrder): PlayedJob {
  const reader = createLineReader(onLine);
  const started = door.start(job, (chunk) => reader.push(chunk));
  let ending: 'killed' | 'too long' | undefined;
  const finish = (why: 'killed' | 'too long'): void => {
    ending ??= why;
    started.kill();
  };
  const timer = wall.setTimer(wall.now() + limitMs, () => finish('too long'));
  const judge = async (): Promise<JobOutcome> => {
    const end = await started.ended;
    timer.cancel();
    reader.end();
    if (ending === 'killed') return { kind: 'killed' };
    if (ending === 'too long') return breach(tooLong(job, limitMs), end, reader, door);
    return judgeEnd(job, end, reader, door);
  };
  return { outcome: judge(), kill: () => finish('killed') };
}

function judgeEnd(job: DriverJob, end: JobEnd, reader: LineReader, door: EngineDoor): JobOutcome {
  const wrong =
    lineProblem(reader.problem) ?? endProblem(end, reader.result) ?? resultProblem(job, reader.result);
  if (wrong !== undefined) return breach(wrong, end, reader, door);
  const { result } = reader;
  if (result?.result === 'ok') return { kind: 'ok', result };
  return { kind: 'failed', error: result?.error ?? '', evidence: errorLines(end) };
}

type Wrong = Pick<Breach, 'expected' | 'actual'>;

function tooLong(job: DriverJob, limitMs: number): Wrong {
  return {
    expected: `an end of the ${job.operation} within ${limitMs / 1000} s`,
    actual: 'it still ran then and was ended by force',
  };
}

function lineProblem(found: LineProblem | undefined): Wrong | undefined {
  if (found === undefined) return undefined;
  const field = found.field === '' ? '' : `, field ${found.field}`;
  return {
    expected: 'JSON lines of the driver protocol on standard output',
    actual: `line ${found.line}${field}: ${found.problem}: ${found.text}`,
  };
}

function endProblem(end: JobEnd, result: LineReader['result']): Wrong | undefined {
  if (end.kind === 'unreachable') return { expected: 'an engine that takes the job', actual: end.why };
  if (end.kind === 'died') return { expected: 'an exit code', actual: `it was ended by ${end.signal}` };
  const code = end.kind === 'exited' ? end.code : undefined;
  const ended = code === undefined ? 'the answer ended' : `it ended with exit code ${code}`;
  if (result === undefined)
    return { expected: 'a line with "type":"result"', actual: `${ended} without one` };
  const wanted = result.result === 'ok' ? 0 : 1;
  if (code === undefined || code === wanted) return undefined;
  return {
    expected: `exit code ${wanted}, which goes with "result":"${result.result}"`,
    actual: `exit code ${code}`,
  };
}

function resultProblem(job: DriverJob, result: LineReader['result']): Wrong | undefined {
  if (result?.result !== 'ok') return undefined;
  const isBackup = job.operation === 'backup' || job.operation === 'incremental';
  if (isBackup && (result.point ?? '') === '')
    return { expected: `field point in the result of a ${job.operation}`, actual: JSON.stringify(result) };
  if (job.operation === 'backup' && result.mode === 'incremental')
    return { expected: 'a full point from the operation "backup"', actual: 'field mode: incremental' };
  if (job.operation === 'restore' && (result.server ?? '') === '')
    return { expected: 'field server in the result of a restore', actual: JSON.stringify(result) };
  return undefined;
}

function breach(wrong: Wrong, end: JobEnd, reader: LineReader, door: EngineDoor): JobOutcome {
  const evidence = [
    `engine ${door.place}`,
    ...reader.lastLines.map((line) => `standard output: ${line}`),
    ...errorLines(end),
  ];
  return { kind: 'breach', breach: { ...wrong, evidence } };
}

function errorLines(end: JobEnd): readonly string[] {
  if (!('errorText' in end)) return [];
  const lines = end.errorText.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-SHOWN_ERROR_LINES).map((line) => `standard error: ${line}`);
}
