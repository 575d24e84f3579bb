/** What is left of tracking when a server is protected no longer. */
import { judgeEach, type Broken } from '../judging.ts';
import type { Call, JobLife, Observation } from '../observation.ts';
import { isDone } from '../read-calls.ts';
import { listOf, textOf } from '../read-json.ts';
import { isDuring } from '../readings/jobs.ts';
import type { Rule } from '../rule-api.ts';

export const PROTECTION_RULES: readonly Rule[] = [
  {
    id: 'CBT-13',
    title: 'switches tracking off for a server that it no longer protects',
    level: 'should',
    clause:
      'A product that is no longer in use should disable tracking, to keep its impact on I/O small. What was on before the product came is not judged.',
    source: 'workflow of VM backups, last note',
    fidelity: 'documented',
    breaks:
      'Every write of the guest goes on paying for a list that nobody reads, and nobody finds out why the server is slow.',
    evidence:
      'job of operation unprotect that succeeds, after a rest.request of cbt.set with type enable of the same engine; rest.request of cbt.set with type disable',
    remedy:
      'Remember on which disks you have switched tracking on; when the server leaves its last policy, send PUT cbt/status with type disable and wait for the task.',
    scenarios: ['S097-protection-ends'],
    mutants: ['forgets-to-switch-off'],
    needs: ['disables-cbt'],
    judge: (seen) => judgeEach(endsOfProtection(seen), ({ job, enable }) => isLeftOn(seen, job, enable)),
  },
];

interface EndOfProtection {
  readonly job: JobLife;
  /** The call that had switched tracking on. */
  readonly enable: Call;
}

/** Of servers whose tracking the engine itself had switched on, and which no backup of its own still uses. */
function endsOfProtection(seen: Observation): readonly EndOfProtection[] {
  const ended = seen.jobs.filter(
    (job) => job.operation === 'unprotect' && job.outcome === 'succeeds' && !isBackedUpBeside(seen, job),
  );
  return ended.flatMap((job) => {
    const last = changesOf(seen, job).findLast(({ n }) => n < job.n);
    const enable = last !== undefined && typeOf(last) === 'enable' ? last : undefined;
    return enable === undefined || enable.actor !== job.actor || isOffSince(seen, job, enable)
      ? []
      : [{ job, enable }];
  });
}

function isBackedUpBeside(seen: Observation, { n, end, server }: JobLife): boolean {
  return seen.jobs.some(
    (other) =>
      other.operation === 'backup' &&
      other.server === server &&
      other.n < (end?.n ?? n) &&
      (other.end?.n ?? Number.POSITIVE_INFINITY) > n,
  );
}

/** Calls that have switched tracking of the job's server on or off. */
function changesOf(seen: Observation, { server }: JobLife): readonly Call[] {
  return seen.calls.filter(
    (call) =>
      call.operation === 'cbt.set' && call.server === server && typeOf(call) !== 'reset' && isDone(call),
  );
}

function typeOf({ body }: Call): string {
  return textOf(body, 'type') ?? '';
}

/** Somebody else had switched it off by then. */
function isOffSince(seen: Observation, { n, server }: JobLife, enable: Call): boolean {
  return seen.states.some(
    (state) =>
      state.entity === 'cbt' &&
      state.id === server &&
      state.to === 'disabled' &&
      state.n > enable.n &&
      state.n < n,
  );
}

function isLeftOn(seen: Observation, job: JobLife, enable: Call): Broken | undefined {
  const calls = seen.calls.filter(
    ({ n, operation, server }) => operation === 'cbt.set' && server === job.server && isDuring(job, n),
  );
  const asked = calls.filter((call) => typeOf(call) === 'disable' && !hasFailed(seen, call));
  const switchedOn = devicesOf(seen, enable);
  const isForAll = asked.some(({ body }) => listOf(body, 'disk_ids').length === 0);
  const named = new Set(asked.flatMap(({ body }) => listOf(body, 'disk_ids')).map(String));
  const left = switchedOn.filter((device) => !named.has(device));
  if (asked.length > 0 && (isForAll || left.length === 0)) return undefined;
  return {
    at: job.end?.n ?? job.n,
    expected: 'tracking is switched off again',
    actual: `it is left on${left.length === 0 ? '' : ` for ${left.join(', ')}`}`,
    evidence: [enable.n, ...calls.map(({ n }) => n)],
  };
}

/** The engine was told, by the answer or by the task, that nothing has come of it. */
function hasFailed(seen: Observation, call: Call): boolean {
  if (call.reply !== undefined && !call.reply.isLost && !isDone(call)) return true;
  return [...seen.tasks.values()].some(({ call: maker, status }) => maker === call && status === 'failure');
}

/** Disks that the call has switched on, where the journal says it. */
function devicesOf(seen: Observation, enable: Call): readonly string[] {
  const state = seen.states.find(
    ({ entity, id, to, n }) => entity === 'cbt' && id === enable.server && to === 'enabled' && n > enable.n,
  );
  return listOf(state?.detail, 'devices').map(String);
}
