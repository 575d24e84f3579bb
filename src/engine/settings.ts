/** The engine's options with their defaults, checked once. */
import { DEFAULT_NBD_PORT } from '../contract/assumed.ts';
import type { EngineOptions } from './engine-api.ts';

export type Settings = Required<Omit<EngineOptions, 'fallback'>> & Pick<EngineOptions, 'fallback'>;

/** The platform's bounds of a lock time, seconds. @source SCP OpenAPI 6.11.1, backup-resources */
const LOCK_TIME = { min: 60, max: 7200 };

/**
 * How many disks a host serves to backups at once: the platform's default, and what it can be set to.
 * @source HCI throttle settings, disks per host @fidelity observed; that a disk counts by its connections is assumed
 */
const HOST_CONNECTIONS = { usual: 16, max: 128 };

/** Disks that a server may have. @source SCP OpenAPI 6.11.1, servers; HCI 6.11.1 @fidelity documented */
const MOST_DISKS = 64;

/** @throws RangeError for an option out of its range */
export function resolveSettings(options: EngineOptions): Settings {
  const lockTimeSeconds = options.lockTimeSeconds ?? 600;
  const settings: Settings = {
    nbdPort: options.nbdPort ?? DEFAULT_NBD_PORT,
    lockTimeSeconds,
    renewEverySeconds: Math.min(options.renewEverySeconds ?? 90, lockTimeSeconds / 3),
    connections: options.connections ?? 2,
    maxConnectionsPerHost: options.maxConnectionsPerHost ?? HOST_CONNECTIONS.usual,
    readBytes: options.readBytes ?? 256 * 1024,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    busyWaitMs: options.busyWaitMs ?? 600_000,
    verify: options.verify ?? false,
    leaveCbtAlone: options.leaveCbtAlone ?? false,
    proxies: options.proxies ?? [],
    deviceWaitMs: options.deviceWaitMs ?? 120_000,
    maxDisksPerProxy: options.maxDisksPerProxy ?? MOST_DISKS,
    ...(options.fallback === undefined ? {} : { fallback: options.fallback }),
    tag: options.tag ?? 'backlot',
  };
  checkRange('lockTimeSeconds', settings.lockTimeSeconds, LOCK_TIME.min, LOCK_TIME.max);
  checkRange('renewEverySeconds', settings.renewEverySeconds, 1, LOCK_TIME.max);
  checkRange('nbdPort', settings.nbdPort, 1, 65_535);
  checkRange('connections', settings.connections, 1, 16);
  checkRange('maxConnectionsPerHost', settings.maxConnectionsPerHost, 1, HOST_CONNECTIONS.max);
  checkRange('deviceWaitMs', settings.deviceWaitMs, 0, 3_600_000);
  checkRange('maxDisksPerProxy', settings.maxDisksPerProxy, 1, MOST_DISKS);
  checkRange('readBytes', settings.readBytes, 512, 32 * 1024 * 1024);
  if (!/^[A-Za-z0-9_]{1,24}$/.test(settings.tag))
    throw new RangeError(`tag must be 1 to 24 letters, digits or underscores, not ${settings.tag}`);
  return settings;
}

function checkRange(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max))
    throw new RangeError(`${name} must be from ${min} to ${max}, not ${value}`);
}
