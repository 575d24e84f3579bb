/**
 * What an engine was asked for and what was seen of it, capability by capability, in one world. A word of the engine
 * about itself is no evidence: only calls, connections and devices are.
 */
import { CAPABILITIES, type Capability } from '../driver/capabilities.ts';
import type { AreaWalk, Call, JobLife, Observation } from '../rules/observation.ts';

export interface Evidence {
  /** Jobs that succeeded and asked for it. */
  readonly asked: number;
  readonly seen: number;
}

export type CapabilityEvidence = Readonly<Record<Capability, Evidence>>;

const CAPABILITY_NAMES = Object.keys(CAPABILITIES) as Capability[];
const SWITCHES_CBT_OFF = 'disable';

export function findEvidence(seen: Observation): CapabilityEvidence {
  const done = seen.jobs.filter(({ outcome }) => outcome === 'succeeds');
  const restores = done.filter(({ operation }) => operation === 'restore');
  const toOld = restores.filter((job) => existedBefore(seen, job));
  const over = (transport: string): number =>
    done.filter(
      (job) => (job.operation === 'backup' || job.operation === 'restore') && job.transport === transport,
    ).length;
  const opened = seen.connections.filter(({ requests }) =>
    requests.some(({ command }) => movesData(command)),
  );
  const logins = loginsOf(seen);
  const count = (asked: number, times: number): Evidence => ({ asked, seen: times });
  return {
    nbd: count(over('nbd'), opened.filter(({ isTls }) => !isTls).length),
    nbdssl: count(over('nbdssl'), opened.filter(({ isTls }) => isTls).length),
    hotadd: count(over('hotadd'), seen.hotAdded.filter(({ actor }) => actor !== undefined).length),
    incremental: count(
      done.filter(({ mode }) => mode === 'incremental').length,
      seen.walks.filter(looksBack).length,
    ),
    'restore-new': count(restores.length - toOld.length, restores.length - toOld.length),
    'restore-original': count(toOld.length, toOld.length),
    cleanup: ((times) => count(times, times))(done.filter(({ operation }) => operation === 'cleanup').length),
    'password-login': count(logins.withPassword, logins.withPassword),
    'access-key': count(logins.withKey, logins.withKey),
    'disables-cbt': count(
      done.filter(({ operation }) => operation === 'unprotect').length,
      seen.calls.filter(switchesCbtOff).length,
    ),
    'several-servers': ((times) => count(times, times))(sideBySide(done)),
  };
}

/** Of several worlds as one. */
export function addEvidence(all: readonly CapabilityEvidence[]): CapabilityEvidence {
  const sums = CAPABILITY_NAMES.map((name) => {
    const asked = all.reduce((sum, one) => sum + one[name].asked, 0);
    const seen = all.reduce((sum, one) => sum + one[name].seen, 0);
    return [name, { asked, seen }] as const;
  });
  return Object.fromEntries(sums) as unknown as CapabilityEvidence;
}

function movesData(command: string): boolean {
  return command.includes('READ') || command.includes('WRITE');
}

/** A query from 0 asks for all that is valid, not for what has changed. */
function looksBack({ checkpoint }: AreaWalk): boolean {
  return checkpoint !== '0' && checkpoint !== '';
}

function existedBefore({ states }: Observation, { server, n }: JobLife): boolean {
  const birth = states.find(
    (entry) => entry.entity === 'server' && entry.id === server && entry.from === undefined,
  );
  return server !== undefined && (birth === undefined || birth.n < n);
}

/** Who asks for tokens logs in with a password; who calls without ever asking signs. */
function loginsOf({ calls, tokens }: Observation): { withPassword: number; withKey: number } {
  const byToken = new Set(tokens.map(({ actor }) => actor));
  const others = new Set(calls.map(({ actor }) => actor).filter((actor) => !byToken.has(actor)));
  others.delete('anonymous');
  return { withPassword: byToken.size, withKey: others.size };
}

function switchesCbtOff({ operation, body }: Call): boolean {
  return operation.startsWith('cbt.') && JSON.stringify(body ?? '').includes(`"${SWITCHES_CBT_OFF}"`);
}

/** Pairs of jobs of different servers that were at work at the same time. */
function sideBySide(jobs: readonly JobLife[]): number {
  return jobs.filter((job, at) =>
    jobs.slice(at + 1).some((other) => other.server !== job.server && other.n < (job.end?.n ?? 0)),
  ).length;
}
