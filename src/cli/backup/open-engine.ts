/** Builds what the commands work with, from their options. */
import { X509Certificate } from 'node:crypto';
import { createEngine } from '../../engine/create-engine.ts';
import type { Engine, EngineOptions, ProgressEvent } from '../../engine/engine-api.ts';
import { createRepository } from '../../repository/create-repository.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Repository } from '../../repository/repository-api.ts';
import { dialTcp } from '../../runtime/nbd-dial.ts';
import { createFolderStorage } from '../../runtime/folder-storage.ts';
import { createPooledCodec } from '../../runtime/pooled-codec.ts';
import { createRandomIds } from '../../runtime/random-ids.ts';
import { createUndiciTransport } from '../../runtime/undici-transport.ts';
import { createWallClock } from '../../runtime/wall-clock.ts';
import type { HttpTransport } from '../../sdk/http-transport.ts';
import { CliError } from '../cli-error.ts';
import { findCredentials, readText } from './credentials.ts';
import { checkGuestDir, connectGuestDir } from './guest-dir.ts';

export interface ScpOptions {
  readonly scp: string;
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly credentials?: string;
  readonly repo: string;
  readonly nbdPort?: number;
  readonly guestDir?: string;
  readonly proxy?: readonly string[];
  readonly timeScale?: number;
}

export interface OpenedEngine extends AsyncDisposable {
  readonly engine: Engine;
}

export function openRepository(folder: string, clock: Clock = createWallClock()): Repository {
  return createRepository({
    storage: createFolderStorage(folder),
    codec: createPooledCodec(),
    clock,
    ids: createRandomIds(),
  });
}

export async function openEngine(
  options: ScpOptions,
  engineOptions: EngineOptions,
  onProgress: (event: ProgressEvent) => void,
): Promise<OpenedEngine> {
  const credentials = await findCredentials(options.credentials, process.env);
  const { guestDir, proxy: proxies = [] } = options;
  if (guestDir !== undefined) await checkGuestDir(guestDir, proxies);
  const scp = await openTransport(options);
  const clock = createWallClock({ scale: options.timeScale ?? 1 });
  const engine = createEngine(
    {
      clock,
      ids: createRandomIds(),
      scp,
      credentials,
      dialNbd: (host, port, signal) => dialTcp(host, port)(signal),
      ...(guestDir === undefined ? {} : { connectProxy: connectGuestDir(guestDir, clock) }),
      repository: openRepository(options.repo, clock),
      onProgress,
    },
    {
      ...engineOptions,
      proxies,
      ...(options.nbdPort === undefined ? {} : { nbdPort: options.nbdPort }),
    },
  );
  return { engine, [Symbol.asyncDispose]: () => scp.close() };
}

async function openTransport(options: ScpOptions): Promise<HttpTransport> {
  if (options.ca !== undefined && options.insecure)
    throw new CliError('usage', '--ca and --insecure contradict each other; give one of them');
  return createUndiciTransport({
    baseUrl: options.scp,
    isInsecure: options.insecure ?? false,
    ...(options.ca === undefined ? {} : { ca: await readCa(options.ca) }),
  });
}

/** TLS takes any text for a CA and then trusts nobody, which looks as if the platform were at fault. */
async function readCa(file: string): Promise<string> {
  const pem = await readText(file);
  try {
    void new X509Certificate(pem);
    return pem;
  } catch (error) {
    throw new CliError('usage', `--ca ${file}: is no certificate in PEM format`, undefined, { cause: error });
  }
}
