/** What a live run is to do, and the names under which it does it. */
import type { Transport } from '../../src/engine/engine-api.ts';

export interface LiveSettings {
  /** With it begins the name of everything that the run makes; no other run has it. */
  readonly tag: string;
  readonly transports: readonly Transport[];
  /** Restore to a new server, read that back, remove it. */
  readonly restore: boolean;
  /** Hold a lock for three minutes, by renewals alone. */
  readonly holdLock: boolean;
  readonly leaveCbtAlone: boolean;
  readonly lockTimeSeconds: number;
}

/** Longest name that is sure to be taken. @source SCP OpenAPI 6.11.1, servers @fidelity assumed */
const MAX_NAME = 80;

export const RESTORED_NAME = ({ tag }: LiveSettings, server: string, transport: Transport): string =>
  `${tag}-${transport}-${server}`.slice(0, MAX_NAME);
