/** Finds the proxy VM through which a server's disks are reached, and attaches them to it. */
import type { SourceDisk } from './hot-add-order.ts';
import type { DiskDoor, DoorOptions } from './disk-door.ts';
import { HotAddDoor } from './hot-add-door.ts';
import { inStep, type JobContext, warn } from './job-context.ts';
import { NoProxy, ProxyTrouble } from './proxy-trouble.ts';
import { addStrike, type SeatOrReason, takeProxy } from './take-proxy.ts';

/** Takes one proxy after the other until one serves. @throws NoProxy */
export async function openHotAddDoor(context: JobContext, options: DoorOptions): Promise<DiskDoor> {
  const connect = context.env.connectProxy;
  if (connect === undefined)
    throw new NoProxy(
      'this engine has no way into the guests of proxies',
      'run it in a proxy, or say where the guests are with --guest-dir',
    );
  if (options.isLastAttempt && context.settings.fallback !== undefined && context.proxyStrikes.size > 0)
    throw new NoProxy('every attempt over a proxy has failed', '');
  const tried = new Set<string>();
  for (let trouble: ProxyTrouble | undefined; ; ) {
    const { disks, seat, because } = await inStep(context, 'proxy', () => findSeat(context, options, tried));
    if (seat === undefined) throw noProxy(because, trouble);
    const door = new HotAddDoor(context, { ...options, connect, disks, seat });
    try {
      await door.reach(options.deviceIds[0] ?? '');
      return door;
    } catch (error) {
      await door[Symbol.asyncDispose]();
      if (!(error instanceof ProxyTrouble)) throw error;
      addStrike(context, seat.proxy.id);
      tried.add(seat.proxy.id);
      trouble = error;
      warn(context, `proxy ${seat.proxy.name} does not serve: ${error.message}`);
    }
  }
}

async function findSeat(
  context: JobContext,
  options: DoorOptions,
  tried: ReadonlySet<string>,
): Promise<SeatOrReason & { disks: readonly SourceDisk[] }> {
  const disks = await sourceDisks(context, options);
  const need = {
    server: options.server,
    datastoreIds: [...new Set(disks.map((disk) => disk.datastoreId))],
    allowed: context.settings.proxies,
  };
  return { disks, ...(await takeProxy(context, need, tried)) };
}

function noProxy(because: string, trouble: ProxyTrouble | undefined): NoProxy {
  const why = because || 'every proxy that reaches the disks has failed';
  return new NoProxy(
    trouble === undefined ? why : `${why}; the last: ${trouble.message}`,
    'make a backup proxy with vmtools on a host that reaches the disks, or allow --fallback nbdssl',
    { cause: trouble },
  );
}

const MIB = 1024 * 1024;

async function sourceDisks(context: JobContext, options: DoorOptions): Promise<readonly SourceDisk[]> {
  const { disks } = await context.scp.serverConfiguration(options.server.id);
  return options.deviceIds.map((deviceId) => {
    const disk = disks.find((known) => known.deviceId === deviceId);
    if (disk === undefined || disk.diskId === '')
      throw new NoProxy(
        `the platform gives no id of disk ${deviceId} by which it could be attached`,
        'use --transport nbdssl, or a platform of 6.11.3 or later',
      );
    const { diskId, datastoreId, sizeMb } = disk;
    return { deviceId, diskId, datastoreId, sizeBytes: Math.round(sizeMb * MIB) };
  });
}
