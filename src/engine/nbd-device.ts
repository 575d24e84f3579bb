/**
 * A device in a proxy's guest, reached over NBD: what stands in for the device file where there is no real guest.
 *
 * A device file that was opened stays with its device. A name does not: when `vdb` goes, the next disk becomes `vdb`.
 * So the connection that opened the device is the only one; nothing is ever dialled again.
 */
import { DiskWithin } from './disk-within.ts';
import { linkedAbort } from '../kernel/linked-abort.ts';
import type { Clock } from '../kernel/clock.ts';
import { connectNbd } from '../nbd/client/connect-nbd.ts';
import { NbdConnectionLost, NbdRefused, NbdTimeout } from '../nbd/client/errors.ts';
import type { NbdDial } from '../nbd/client/nbd-client-api.ts';
import { DeviceGone, DeviceSilent, type OpenDisk } from './proxy-agent.ts';

export interface NbdDeviceOptions {
  readonly dial: NbdDial;
  readonly clock: Clock;
  /** Ends opening. */
  readonly signal: AbortSignal;
  /** A request without an answer for so long is a loss too. Default 30 000 ms. */
  readonly requestTimeoutMs?: number | undefined;
  /** What a connection that is lost, or that is not to be had, means: `AgentLost` or `DeviceGone` (late: `DeviceSilent`). */
  readonly lost: (cause: Error) => Error;
}

/** One for all: making an error costs more than opening a device in the same process. */
const GONE = new NbdConnectionLost('the device is gone, and its name may be another one now');

/** @throws what `lost` says */
export async function openNbdDevice(options: NbdDeviceOptions): Promise<OpenDisk> {
  const { clock, signal, lost, requestTimeoutMs } = options;
  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof NbdTimeout) throw asSilent(lost(error));
      if (error instanceof NbdConnectionLost || error instanceof NbdRefused) throw lost(error);
      throw error;
    }
  };
  const again = linkedAbort(signal);
  const disk = await guarded(
    connectNbd(
      {
        exportName: '',
        dial: options.dial,
        connections: 1,
        retries: 0,
        signal: again.signal,
        ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
      },
      clock,
    ),
  );
  again.unlink();
  again.abort(GONE);
  return new DiskWithin(disk, (work) => guarded(work()));
}

function asSilent(error: Error): Error {
  return error instanceof DeviceGone ? new DeviceSilent(error.message, { cause: error.cause }) : error;
}
