/** Writes calls to the journal of their world. */
import type { Json } from '../../src/kernel/journal.ts';
import type { World } from '../domain/world-api.ts';
import { headerOf, type RawCall, type Reply } from './call.ts';
import { journalValue } from '../../src/kernel/journal-value.ts';

export function journalRequest(
  world: World,
  call: number,
  raw: RawCall,
  actor: string,
  body: Json | undefined,
): void {
  const clientToken = headerOf(raw, 'x-client-token');
  const shown = journalValue(body);
  world.journal.append({
    type: 'rest.request',
    call,
    operation: raw.operation ?? 'unknown',
    method: raw.method,
    path: raw.path,
    query: raw.query,
    ...(shown === undefined ? {} : { body: shown }),
    actor,
    ...(clientToken === undefined ? {} : { clientToken }),
  });
}

/** Of a list of changed areas that is too long: how far it reaches. */
function extentOf({ operation }: RawCall, data: Json | undefined): Json | undefined {
  if (operation !== 'cbt.changed-areas' || typeof data !== 'object' || data === null) return undefined;
  const { start_offset, length } = data as Readonly<Record<string, Json>>;
  return start_offset === undefined || length === undefined ? undefined : { start_offset, length };
}

/** `reply` is undefined where the request never had an effect: status 0. */
export function journalReply(
  world: World,
  call: number,
  raw: RawCall,
  reply: Reply | undefined,
  isLost: boolean,
): void {
  const body = (reply?.body ?? {}) as { code?: number; errcode?: string; message?: string; data?: Json };
  const data = journalValue(body.data) ?? journalValue(extentOf(raw, body.data));
  world.journal.append({
    type: 'rest.reply',
    call,
    operation: raw.operation ?? 'unknown',
    status: reply?.status ?? 0,
    code: body.code ?? body.errcode ?? 0,
    message: body.message ?? '',
    ...(data === undefined ? {} : { data }),
    ...(isLost ? { isLost: true } : {}),
  });
}
