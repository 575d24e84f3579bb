/** What a story asks of an engine and its repository, whether they live in this process or belong to somebody else. */
import type { Engine } from '../../src/engine/engine-api.ts';
import type { Rng } from '../../src/kernel/rng.ts';
import type { PointInfo, VerifyReport } from '../../src/repository/repository-api.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { StorageStage } from './gated-storage.ts';
import type { Incidents } from './incidents.ts';

export interface Installed {
  /** Somebody else's: only what it promises to everybody is judged, not what the reference engine tells of itself. */
  readonly isDriven: boolean;
  readonly storageStage: StorageStage;
  readonly checkpoints: Checkpoints;
  readonly incidents: Incidents;
  /** Name under which it logs in. */
  readonly actor: string;
  readonly isOver: boolean;
  /** Resolves when the life that goes on now is ended. */
  readonly death: Promise<void>;
  /** The process that lives now; a new one is started when there is none. */
  process(): { readonly engine: Engine };
  kill(powerCut?: Rng): void;
  jumpClock(byMs: number): void;
  end(): void;
  repository(): PointShelf;
}

/** Restore points as the harness looks at them. */
export interface PointShelf {
  /** Nobody can look now; what is to be judged is judged later. */
  readonly isClosed?: boolean;
  points(): Promise<readonly KnownPoint[]>;
  /** @throws StoryFailed when the point can't be had */
  open(pointId: string): Promise<ShownPoint>;
  verify(): Promise<VerifyReport>;
}

export type KnownPoint = Pick<PointInfo, 'id' | 'serverId' | 'serverName'>;

export interface ShownPoint {
  readonly info: Pick<PointInfo, 'serverId' | 'disks'>;
  read(deviceId: string, offset: number, length: number): Promise<Uint8Array>;
}
