/** The way to a live platform that commands have in common: transport, credentials, clock. */
import { X509Certificate } from 'node:crypto';
import type { LiveAccess } from '../../harness/live/live-client.ts';
import { createRandomIds } from '../runtime/random-ids.ts';
import { createUndiciTransport } from '../runtime/undici-transport.ts';
import { createWallClock } from '../runtime/wall-clock.ts';
import { findCredentials, readText } from './backup/credentials.ts';
import { CliError } from './cli-error.ts';

export interface AccessFlags {
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly credentials?: string;
  readonly timeScale?: number;
}

export interface OpenAccess extends AsyncDisposable {
  readonly access: LiveAccess;
}

/** @throws CliError */
export async function openLiveAccess(target: string, flags: AccessFlags): Promise<OpenAccess> {
  const credentials = await findCredentials(flags.credentials, process.env);
  if (flags.ca !== undefined && flags.insecure === true)
    throw new CliError('usage', '--ca and --insecure contradict each other; give one of them');
  const ca = flags.ca === undefined ? undefined : await readCa(flags.ca);
  const transport = createTransport(target, flags.insecure === true, ca);
  const clock = createWallClock({ scale: flags.timeScale ?? 1 });
  const access = { transport, credentials, clock, ids: createRandomIds() };
  return { access, [Symbol.asyncDispose]: () => transport.close() };
}

function createTransport(baseUrl: string, isInsecure: boolean, ca: string | undefined) {
  try {
    return createUndiciTransport({ baseUrl, isInsecure, ...(ca === undefined ? {} : { ca }) });
  } catch (error) {
    if (error instanceof RangeError) throw new CliError('usage', error.message, undefined, { cause: error });
    throw error;
  }
}

/** TLS takes any text for a CA and then trusts nobody, which looks as if the platform were at fault. */
export async function readCa(file: string): Promise<string> {
  const pem = await readText(file);
  try {
    void new X509Certificate(pem);
    return pem;
  } catch (error) {
    throw new CliError('usage', `--ca ${file}: is no certificate in PEM format`, undefined, { cause: error });
  }
}
