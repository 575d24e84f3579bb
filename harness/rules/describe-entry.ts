/** An entry of the journal as one line for people. */
import type { JournalEntry, Json } from '../../src/kernel/journal.ts';
import { timeOfDay } from './instants.ts';

/** `412 04:07:11.250 DELETE /janus/.../snapshots/8a93`: position, time of day in the world, what happened. */
export function describeEntry(entry: JournalEntry): string {
  return `${entry.n} ${timeOfDay(entry.t)} ${textOf(entry)}`;
}

function textOf(entry: JournalEntry): string {
  switch (entry.type) {
    case 'world.created':
      return `world ${entry.preset}, seed ${entry.seed}`;
    case 'clock.moved':
      return `clock moves ${(entry.toMs - entry.fromMs) / 1000} s`;
    case 'rest.request':
      return `${entry.actor} asks ${entry.method} ${entry.path}${words(entry.query)}${words(entry.body)}`;
    case 'rest.reply':
      return `${entry.operation} answers ${entry.status}${entry.message === '' ? '' : ` ${entry.message}`}${entry.isLost === true ? ' (lost)' : ''}`;
    case 'task':
      return `task ${entry.action} ${entry.status}${entry.description === undefined ? '' : `: ${entry.description}`}`;
    case 'state':
      return `${entry.entity} ${entry.id} ${entry.from ?? 'nothing'} -> ${entry.to}${why(entry.why)}`;
    case 'guest.write':
      return `guest of ${entry.server} writes ${entry.kind} to ${entry.device}, ${range(entry)}`;
    case 'guest.device':
      return `device ${entry.device} ${entry.change} in proxy ${entry.server}${why(entry.why)}`;
    case 'guest.io':
      return `${entry.command} of ${entry.device} in proxy ${entry.server}, ${range(entry)}${failure(entry.error)}`;
    case 'nbd.open':
      return `NBD connection ${entry.connection} opens`;
    case 'nbd.option':
      return `NBD ${entry.connection} ${entry.option} ${entry.reply}${entry.export === undefined ? '' : ` ${entry.export}`}`;
    case 'nbd.request':
      return `NBD ${entry.connection} ${entry.command}, ${range(entry)}`;
    case 'nbd.reply':
      return `NBD ${entry.connection} answers ${entry.bytes} bytes${failure(entry.error)}`;
    case 'nbd.close':
      return `NBD connection ${entry.connection} ends: ${entry.why}`;
    case 'fault.fired':
      return `planned fault ${entry.kind} at ${entry.at}`;
    case 'job':
      return `${entry.engine} ${entry.operation} ${entry.phase}${entry.error === undefined ? '' : `: ${entry.error}`}`;
    case 'compared':
      return `${entry.what} ${entry.point}: ${entry.differences} of ${entry.bytes} bytes wrong`;
  }
}

/** Characters; a body may hold a whole configuration. */
const MOST_WORDS = 160;

function words(value: Json | undefined): string {
  if (value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0))
    return '';
  const text = JSON.stringify(value);
  return ` ${text.length > MOST_WORDS ? `${text.slice(0, MOST_WORDS)}...` : text}`;
}

function why(reason: string | undefined): string {
  return reason === undefined ? '' : ` (${reason})`;
}

function range({ offset, length }: { readonly offset: number; readonly length: number }): string {
  return `${length} bytes at ${offset}`;
}

function failure(error: number): string {
  return error === 0 ? '' : ` error ${error}`;
}
