/** A backup from login to result: what is decided once, and how often an attempt may be repeated. */
import type { ServerItem } from '../sdk/scp-client-api.ts';
import { attemptBackup, type AttemptResult, MAX_ATTEMPTS } from './backup-attempt.ts';
import { checkEligibility, checkSnapshots, checkTransport } from './check-eligibility.ts';
import { chooseBase, type Base } from './choose-base.ts';
import { enableCbt, resetCbt } from './enable-cbt.ts';
import type { BackupJob, BackupResult } from './engine-api.ts';
import { findServer } from './find-server.ts';
import { ALIVE_MS } from './heartbeat.ts';
import { inStep, type JobContext, pause, warn } from './job-context.ts';
import { JobFailed } from './job-failed.ts';
import { removeLeftoversOf } from './leftovers.ts';
import { Setback, type SetbackKind } from './setback.ts';
import { totalBytes } from './ranges.ts';

const PAUSE_AFTER_SETBACK_MS = 10_000;

export async function runBackup(context: JobContext, job: BackupJob): Promise<BackupResult> {
  const startedAtMs = context.env.clock.now();
  const server = await inStep(context, 'login', () => findServer(context.scp, job.server));
  await inStep(context, 'eligibility', () => checkServer(context, server, job));
  await inStep(context, 'leftovers', () => beginRun(context, server));
  const tracked = await inStep(context, 'cbt', () => enableCbt(context, server));
  const choice = job.full
    ? { base: undefined, because: '' }
    : await inStep(context, 'base', () => chooseBase(context.env.repository, server.id));
  const outcome = await attemptUntilDone(context, {
    job,
    server,
    trackedDisks: tracked,
    base: choice.base,
    because: choice.base === undefined ? choice.because : '',
  });
  return describeResult(context, server, outcome, startedAtMs);
}

async function checkServer(context: JobContext, server: ServerItem, job: BackupJob): Promise<void> {
  checkEligibility(server);
  if (job.transport !== 'hotadd')
    checkTransport(server, job.transport, await context.scp.transportModes(server.id));
  checkSnapshots(server, await context.scp.snapshots(server.id));
  if (server.isInProtection)
    warn(
      context,
      `${server.name} is in a backup policy of the platform too, whose jobs may cut this one short`,
    );
}

/** From here on the run says what it makes; before it makes anything, what earlier runs left is removed. */
async function beginRun(context: JobContext, server: ServerItem): Promise<void> {
  await removeLeftoversOf(context, server.id);
  const aliveUntilMs = context.env.clock.now() + ALIVE_MS;
  await context.note.update({ serverId: server.id, serverName: server.name, aliveUntilMs });
}

interface Order {
  readonly job: BackupJob;
  readonly server: ServerItem;
  readonly trackedDisks: ReadonlySet<string>;
  base: Base | undefined;
  /** Why there is no base to build on. */
  because: string;
}

interface Outcome extends AttemptResult {
  readonly fullBecause: string;
}

async function attemptUntilDone(context: JobContext, order: Order): Promise<Outcome> {
  let mayReset = true;
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await attemptBackup(context, { ...order, mayReset, attempt });
      return {
        ...result,
        fullBecause: result.fullBecause || (order.base === undefined ? order.because : ''),
      };
    } catch (error) {
      if (!(error instanceof Setback)) throw error;
      const inTheWay = context.note.record.snapshots.map(({ name }) => name);
      if (attempt >= MAX_ATTEMPTS || inTheWay.length > 0)
        throw new JobFailed(error.kind, error, {
          hint: attempt >= MAX_ATTEMPTS ? hintFor(error) : `${hintFor(error)}; ${whyNoMore(inTheWay)}`,
        });
      warn(context, `attempt ${attempt} was given up: ${error.message}`);
      if (BEGINS_ANEW.has(error.kind)) {
        await inStep(context, 'cbt', () => resetCbt(context, order.server));
        order.base = undefined;
        order.because = error.message;
        mayReset = false;
      } else await pause(context, PAUSE_AFTER_SETBACK_MS * attempt);
    }
  }
}

/** Setbacks that only a new history of changes cures. It begins once per job; after that neither can come back. */
const BEGINS_ANEW: ReadonlySet<SetbackKind> = new Set(['cbt-expired', 'disk-resized']);

const HINTS: { readonly [kind in SetbackKind]?: string } = {
  'lease-lost': 'another job of higher priority may hold the server; run the backup again later',
  'proxy-lost': 'check that nobody powers the backup proxy off, or allow --fallback nbdssl',
  'guest-wrote': 'switch automatic mounting off in the guest of the backup proxy, or allow --fallback nbdssl',
};

function hintFor(setback: Setback): string {
  return (
    HINTS[setback.kind] ??
    'check the data network between this machine and the hosts, then run the backup again'
  );
}

/**
 * No second snapshot is taken beside one that could not be removed. That shows only when the attempt is over, too late
 * for it to fall back to the network as a last one does; the next backup has all its attempts again.
 */
function whyNoMore(snapshots: readonly string[]): string {
  return (
    `no further attempt was made, because snapshot ${snapshots.join(', ')} could not be removed: ` +
    'the next backup of the server, or "backlot cleanup", removes it'
  );
}

function describeResult(
  context: JobContext,
  server: ServerItem,
  outcome: Outcome,
  startedAtMs: number,
): BackupResult {
  return {
    pointId: outcome.point.id,
    kind: outcome.point.kind,
    fullBecause: outcome.fullBecause,
    server: { id: server.id, name: server.name },
    snapshotId: outcome.snapshot.id,
    checkpointId: String(outcome.snapshot.checkpointId),
    transport: outcome.transport,
    ...(outcome.proxy === undefined ? {} : { proxy: outcome.proxy }),
    disks: outcome.plans.map((plan) => ({
      deviceId: plan.deviceId,
      sizeBytes: plan.sizeBytes,
      method: plan.method,
      readBytes: totalBytes(plan.ranges),
    })),
    durationMs: context.env.clock.now() - startedAtMs,
    renewals: outcome.renewals,
    reconnects: outcome.reconnects,
    warnings: context.warnings,
  };
}
