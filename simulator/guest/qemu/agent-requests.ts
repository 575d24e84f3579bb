/**
 * What programs ask of a proxy's agent, answered with the guest's own answers; large pieces take the way over the bulk
 * disk.
 */
import type { ChannelClient } from '../../../src/guest-channel/channel-client.ts';
import { ChannelRefusal } from '../../../src/guest-channel/channel-client.ts';
import { formatDevices } from '../../../src/guest-channel/channel-devices.ts';
import { MAX_PIECE_BYTES } from '../../../src/guest-channel/channel-frame.ts';
import { QemuError } from './qemu-machine.ts';
import type { BulkInGuest, ProxyGuest } from './proxy-guest.ts';

/** Below, the port is as fast as a copy. */
const BULK_FROM_BYTES = 16 * 1024;

export interface Answer {
  readonly payload: Buffer;
  /** The payload was sent, or nobody wants it. */
  sent(): void;
}

/** @throws ChannelRefusal, ChannelLost, QemuError */
export async function answerRequest(
  guest: ProxyGuest,
  words: readonly string[],
  payload: Buffer,
): Promise<Answer> {
  const { agent, bulk } = guest;
  if (agent === undefined) throw new QemuError('no agent has answered in the guest');
  const [op = '', ...args] = words;
  if (op === 'devices') return answerOf(formatDevices(await guest.devices()));
  const length = Number(args[3]);
  const isBulk = bulk !== undefined && length >= BULK_FROM_BYTES && length <= MAX_PIECE_BYTES;
  if (isBulk && op === 'read') return readInBulk(agent, bulk, args, length);
  if (isBulk && op === 'write') return writeInBulk(agent, bulk, args, payload);
  return answerOf(await agent.ask(words, payload.length > 0 ? payload : undefined));
}

function answerOf(payload: Buffer): Answer {
  return { payload, sent: () => undefined };
}

async function readInBulk(
  agent: ChannelClient,
  { disk, device }: BulkInGuest,
  args: readonly string[],
  length: number,
): Promise<Answer> {
  const slot = await disk.take();
  try {
    await agent.ask(['copy', ...args, device.name, device.sequence, slot.offset]);
    return { payload: slot.bytes.subarray(0, length), sent: () => slot.release() };
  } catch (error) {
    slot.release();
    throw error;
  }
}

async function writeInBulk(
  agent: ChannelClient,
  { disk, device }: BulkInGuest,
  [name = '', sequence = '', offset = '', length = '']: readonly string[],
  payload: Buffer,
): Promise<Answer> {
  const slot = await disk.take();
  try {
    slot.bytes.set(payload);
    const from = [device.name, device.sequence, slot.offset, length];
    return answerOf(await agent.ask(['copy', ...from, name, sequence, offset]));
  } finally {
    slot.release();
  }
}

/** The words of an answer that is not `ok`. */
export function refusalOf(error: unknown): { status: 'gone' | 'failed'; text: string } {
  const text = error instanceof Error ? error.message : String(error);
  return { status: error instanceof ChannelRefusal ? error.status : 'failed', text };
}
