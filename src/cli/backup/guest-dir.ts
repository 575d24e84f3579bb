/** The way into the guests of proxy VMs that `--guest-dir` names. */
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConnectProxy } from '../../engine/proxy-agent.ts';
import type { Clock } from '../../kernel/clock.ts';
import { agentSocket } from '../../kernel/guest-folder.ts';
import { connectGuestChannel } from '../../runtime/guest-channel-agent.ts';
import { connectGuestFolder } from '../../runtime/guest-folder-agent.ts';
import { CliError } from '../cli-error.ts';

/** A proxy with an agent's socket is asked through it; of every other one the devices lie in its folder. */
export function connectGuestDir(folder: string, clock: Clock): ConnectProxy {
  const overFolder = connectGuestFolder({ folder, clock });
  const overChannel = connectGuestChannel({ guestDir: folder });
  return async (proxy, signal) => {
    const hasAgent = await isThere(agentSocket(folder, proxy.name));
    return (hasAgent ? overChannel : overFolder)(proxy, signal);
  };
}

/** Found out before anything is locked on the platform. */
export async function checkGuestDir(folder: string, proxies: readonly string[]): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory())
    throw new CliError(
      'usage',
      `--guest-dir ${folder} is no folder`,
      'give the guestDir that backlot serve --json prints, or / inside of a proxy',
    );
  // Inside of a proxy there is one guest; any other proxy that were chosen would never show a disk.
  if ((await isThere(join(folder, 'dev'))) && proxies.length !== 1)
    throw new CliError(
      'usage',
      `${folder} is the root of one guest`,
      'say which proxy this machine is with --proxy NAME',
    );
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
