/** The engine's interface over the driver protocol: each call is one job of somebody else's engine. */
import type {
  BackupJob,
  BackupResult,
  CleanupResult,
  Engine,
  RestoreJob,
  RestoreResult,
  Transport,
  UnprotectJob,
  UnprotectResult,
} from '../../../src/engine/engine-api.ts';
import { JobFailed } from '../../../src/engine/job-failed.ts';
import type { HostedWorld } from '../../../simulator/app/simulator-api.ts';
import { playJob, type PlayedJob } from '../../driver/play-job.ts';
import { type DriverJob, type DriverLine, type OkLine, PROTOCOL_VERSION } from '../../driver/protocol.ts';
import type { EngineNode } from '../scenario-schema.ts';
import { StoryFailed } from '../outcome.ts';
import { lastSnapshotSince } from '../snapshot-instant.ts';
import type { DrivenEngine, DrivenStage } from './driven-engine.ts';

export interface DrivenJobsOptions {
  readonly driven: DrivenEngine;
  readonly stage: DrivenStage;
  readonly hosted: HostedWorld;
  readonly settings: EngineNode;
  readonly transport: Transport;
  /** Snapshots that somebody else has made. */
  readonly foreign: ReadonlySet<string>;
  readonly onLine: (line: DriverLine) => void;
}

/** A point that the engine has told of. */
export interface ToldPoint {
  readonly id: string;
  readonly serverId: string;
  readonly serverName: string;
}

export class DrivenJobs implements Engine {
  readonly points: ToldPoint[] = [];
  readonly #options: DrivenJobsOptions;
  readonly #running = new Set<PlayedJob>();
  readonly #dying = new Set<Promise<unknown>>();
  #jobs = 0;
  #restores = 0;

  constructor(options: DrivenJobsOptions) {
    this.#options = options;
  }

  async backup({ server: name, transport, full }: BackupJob): Promise<BackupResult> {
    const { hosted, driven, foreign } = this.#options;
    const { id, name: serverName } = hosted.world.servers.find(name);
    const { journal } = hosted.world;
    const from = journal.length;
    const begunMs = driven.wall.now();
    const hasBase = this.points.some(({ serverId }) => serverId === id);
    const isIncremental = full !== true && hasBase && driven.capabilities.has('incremental');
    const result = await this.#play({
      operation: isIncremental ? 'incremental' : 'backup',
      transport,
      server: { id, name: serverName },
    });
    const pointId = result.point ?? '';
    if (this.points.some((point) => point.id === pointId))
      throw new StoryFailed('a new restore point with an id of its own', `point ${pointId} once more`);
    const snapshotId = lastSnapshotSince(journal.entries, id, from, foreign);
    if (snapshotId === undefined)
      throw new StoryFailed(
        'a backup that takes a snapshot',
        `point ${pointId} is told of, and no snapshot of ${serverName} was taken`,
      );
    this.points.push({ id: pointId, serverId: id, serverName });
    return {
      pointId,
      kind: result.mode ?? (isIncremental ? 'incremental' : 'full'),
      fullBecause: '',
      server: { id, name: serverName },
      snapshotId,
      checkpointId: '',
      transport,
      disks: [],
      durationMs: driven.wall.now() - begunMs,
      renewals: 0,
      reconnects: 0,
      warnings: result.warnings ?? [],
    };
  }

  async restore({ pointId, to, transport, newName }: RestoreJob): Promise<RestoreResult> {
    const { hosted, driven } = this.#options;
    const begunMs = driven.wall.now();
    const result = await this.#play({
      operation: 'restore',
      transport,
      restore: {
        point: pointId,
        to:
          to === 'new'
            ? { newName: newName ?? `restored-${++this.#restores}` }
            : { server: hosted.world.servers.find(to).id },
      },
    });
    const server = hosted.world.servers.list().find(({ id }) => id === result.server);
    if (server === undefined)
      throw new StoryFailed(
        'a restore that tells the id of the server it has written',
        `there is no server ${result.server}`,
      );
    const { id, name } = server;
    const durationMs = driven.wall.now() - begunMs;
    const { warnings = [] } = result;
    return { pointId, server: { id, name }, transport, disks: [], durationMs, renewals: 0, warnings };
  }

  async cleanup(): Promise<CleanupResult> {
    const { transport } = this.#options;
    const { warnings = [] } = await this.#play({ operation: 'cleanup', transport });
    return { removed: [], warnings };
  }

  async unprotect({ server: name }: UnprotectJob): Promise<UnprotectResult> {
    const { hosted, transport } = this.#options;
    const { id, name: serverName } = hosted.world.servers.find(name);
    const server = { id, name: serverName };
    const { warnings = [] } = await this.#play({ operation: 'unprotect', transport, server });
    // The protocol does not ask which of these it was; the rules look at the platform.
    return { server, outcome: 'switched-off', disks: [], warnings };
  }

  /** Ends what runs; whoever waits for it is never told. */
  kill(): void {
    for (const job of this.#running) {
      job.kill();
      this.#dying.add(job.outcome);
    }
    this.#running.clear();
  }

  /** Resolves when what was killed is gone. */
  async gone(): Promise<void> {
    await Promise.all(this.#dying);
    this.#dying.clear();
  }

  /** @throws JobFailed when the engine says that it failed, StoryFailed when it breaks the protocol */
  async #play(order: Pick<DriverJob, 'operation' | 'transport' | 'server' | 'restore'>): Promise<OkLine> {
    const { driven, onLine } = this.#options;
    await this.gone();
    const played = playJob({
      door: driven.door,
      job: this.#document(order),
      wall: driven.wall,
      limitMs: driven.jobLimitMs,
      onLine,
    });
    this.#running.add(played);
    const outcome = await played.outcome;
    this.#running.delete(played);
    switch (outcome.kind) {
      case 'ok':
        return outcome.result;
      case 'failed':
        throw new JobFailed(order.operation, new EngineSays(outcome.error, outcome.evidence));
      case 'breach': {
        const { expected, actual, evidence } = outcome.breach;
        throw new StoryFailed(expected, `${order.operation}: ${actual}`, evidence);
      }
      case 'killed':
        return new Promise<OkLine>(() => undefined);
    }
  }

  /** Name under which it logs in. */
  get actor(): string {
    const { credentials } = this.#platform();
    return 'accessKey' in credentials ? credentials.accessKey : credentials.username;
  }

  #platform(): DriverJob['platform'] {
    const { driven, stage, hosted, settings } = this.#options;
    const [login] = hosted.world.credentials;
    if (login === undefined) throw new Error('the world has no credentials');
    const { accessKey, secretKey, username, password } = login;
    const isPassword = settings.login === 'password' || !driven.capabilities.has('access-key');
    const credentials = isPassword ? { username, password } : { accessKey, secretKey };
    return { ...stage.platform, credentials };
  }

  #document(order: Pick<DriverJob, 'operation' | 'transport' | 'server' | 'restore'>): DriverJob {
    const { driven, stage, hosted } = this.#options;
    return {
      protocol: PROTOCOL_VERSION,
      job: `${hosted.world.id}-${++this.#jobs}`,
      ...order,
      platform: this.#platform(),
      ...(order.transport === 'hotadd' ? { guestDir: stage.guestDir } : {}),
      repository: stage.repository,
      timeScale: driven.timeScale,
    };
  }
}

/** The words of the engine itself. */
class EngineSays extends Error {
  override readonly name = 'EngineSays';
  readonly evidence: readonly string[];

  constructor(message: string, evidence: readonly string[]) {
    super(message);
    this.evidence = evidence;
  }
}
