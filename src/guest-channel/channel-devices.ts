/** The list of disks as the agent in a guest gives it. */
import { ChannelProtocolError } from './channel-frame.ts';

export interface ChannelDevice {
  readonly name: string;
  /** Tells apart disks that had the same name one after the other. */
  readonly sequence: string;
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  readonly serial: string;
}

/** @throws ChannelProtocolError */
export function parseDevices(payload: Buffer): readonly ChannelDevice[] {
  const lines = payload.toString('utf8').split('\n');
  return lines.filter((line) => line !== '').map(parseDevice);
}

export function formatDevices(devices: readonly ChannelDevice[]): Buffer {
  const lines = devices.map(({ name, sequence, sizeBytes, isReadOnly, serial }) =>
    [name, sequence, sizeBytes, isReadOnly ? 1 : 0, serial].join('\t'),
  );
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

function parseDevice(line: string): ChannelDevice {
  const match =
    /^(?<name>[^\t]+)\t(?<sequence>\d+)\t(?<size>\d{1,15})\t(?<readOnly>[01])\t(?<serial>[^\t]*)$/.exec(line);
  const { name, sequence, size, readOnly, serial } = match?.groups ?? {};
  if (name === undefined || sequence === undefined || serial === undefined)
    throw new ChannelProtocolError(`no line of a list of disks: ${line}`);
  return { name, sequence, sizeBytes: Number(size), isReadOnly: readOnly === '1', serial };
}
