/**
 * Writes the calls that pass between a client and a live SCP into a journal, as the simulator writes those that it
 * serves, so that the same rules judge both. What only the platform knows is derived by `witness.ts`.
 */
import { parse as parseQuery } from 'node:querystring';
import { type Route, routeOf } from '../../src/contract/route-table.ts';
import type { Journal, Json } from '../../src/kernel/journal.ts';
import { journalValue } from '../../src/kernel/journal-value.ts';
import { at, envelopeOf, parseJson, textOf } from './read-answer.ts';
import { createWitness } from './witness.ts';

export interface SeenRequest {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body?: string | undefined;
}

export interface SeenReply {
  readonly status: number;
  readonly body: string;
}

/** A call that is on its way. One of the two is called, once. */
export interface OpenCall {
  readonly answered: (reply: SeenReply) => void;
  /** No answer came, or nobody received it. */
  readonly lost: () => void;
}

/** What of a call may stand in the journal. Equal things stay equal, so that ids still fit together. */
export interface Mask {
  readonly json: (value: Json) => Json;
  readonly text: (text: string) => string;
  /** Of an error. */
  readonly message: (text: string) => string;
  /** A piece of an unknown path that says nothing of anybody's inventory. */
  readonly word: (segment: string) => boolean;
}

const NO_MASK: Mask = {
  json: (value) => value,
  text: (text) => text,
  message: (text) => text,
  word: () => true,
};

export interface CallRecorderOptions {
  readonly journal: Journal;
  readonly mask?: Mask;
  /** Who makes the call. Default: as its headers say. */
  readonly actor?: string;
}

export interface CallRecorder {
  readonly begin: (request: SeenRequest) => OpenCall;
}

export function createCallRecorder({ journal, mask = NO_MASK, actor }: CallRecorderOptions): CallRecorder {
  const witness = createWitness(journal);
  const logins = createLogins();
  let calls = 0;
  const begin = (request: SeenRequest): OpenCall => {
    const call = ++calls;
    const route = routeOrNothing(request);
    const operation = route?.operation ?? 'unknown';
    const plainBody = parseJson(request.body);
    const body = plainBody === undefined ? undefined : mask.json(plainBody);
    const query = maskedQuery(request.path, mask);
    const who = mask.text(actor ?? logins.actorOf(request.headers));
    const params = mapValues(route?.params ?? {}, mask.text);
    const shown = journalValue(body);
    const clientToken = headerOf(request.headers, 'x-client-token');
    journal.append({
      type: 'rest.request',
      call,
      operation,
      method: request.method,
      path: maskedPath(pathOf(request.path), route, mask),
      query,
      ...(shown === undefined ? {} : { body: shown }),
      actor: who === '' ? 'anonymous' : who,
      ...(clientToken === undefined ? {} : { clientToken: mask.text(clientToken) }),
    });
    const answered = ({ status, body: text }: SeenReply): void => {
      const envelope = envelopeOf(text);
      const isDone = status >= 200 && status < 300;
      if (isDone) logins.learn(operation, plainBody, envelope.data);
      const data = envelope.data === undefined ? undefined : mask.json(envelope.data);
      if (isDone && route !== undefined)
        witness.told({
          operation: route.operation,
          params,
          query,
          body,
          data,
          actor: actor === undefined ? who || mask.text(userIn(plainBody)) : who,
        });
      const shown = journalValue(data) ?? journalValue(extentOf(operation, data));
      journal.append({
        type: 'rest.reply',
        call,
        operation,
        status,
        code: envelope.code,
        message: envelope.message === '' ? '' : mask.message(envelope.message),
        ...(shown === undefined ? {} : { data: shown }),
      });
    };
    return {
      answered,
      lost: () =>
        journal.append({
          type: 'rest.reply',
          call,
          operation,
          status: 0,
          code: 0,
          message: '',
          isLost: true,
        }),
    };
  };
  return { begin };
}

function routeOrNothing({ method, path }: SeenRequest): Route | undefined {
  try {
    return routeOf(method, pathOf(path));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

const pathOf = (path: string): string => path.split('?', 1)[0] ?? '';

/** The template of a known path says which pieces are ids; of an unknown one, the vocabulary of all others. */
function maskedPath(path: string, route: Route | undefined, mask: Mask): string {
  const ids = new Set(Object.values(route?.params ?? {}));
  return path
    .split('/')
    .map((segment) => {
      const plain = decoded(segment);
      const isId = route === undefined ? !mask.word(plain) : ids.has(plain);
      return isId && plain !== '' ? encodeURIComponent(mask.text(plain)) : segment;
    })
    .join('/');
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function maskedQuery(path: string, mask: Mask): Readonly<Record<string, Json>> {
  const at = path.indexOf('?');
  if (at < 0) return {};
  const masked = mask.json({ ...(parseQuery(path.slice(at + 1)) as Record<string, string | string[]>) });
  return masked as Readonly<Record<string, Json>>;
}

/** Of a list of changed areas that is too long for a journal: how far it reaches. */
function extentOf(operation: string, data: Json | undefined): Json | undefined {
  if (operation !== 'cbt.changed-areas' || typeof data !== 'object' || data === null) return undefined;
  const { start_offset, length } = data as Readonly<Record<string, Json>>;
  return start_offset === undefined || length === undefined ? undefined : { start_offset, length };
}

export function headerOf(headers: SeenRequest['headers'], name: string): string | undefined {
  return Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
}

function mapValues(
  fields: Readonly<Record<string, string>>,
  change: (text: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, change(value)]));
}

interface Logins {
  readonly actorOf: (headers: SeenRequest['headers']) => string;
  readonly learn: (operation: string, body: Json | undefined, data: Json | undefined) => void;
}

/** A token says nothing of its owner; the login that gave it does. */
function createLogins(): Logins {
  const owners = new Map<string, string>();
  return {
    actorOf(headers) {
      const authorization = headerOf(headers, 'authorization') ?? '';
      const key = /Credential=([^/,\s]+)\//.exec(authorization)?.[1];
      if (key !== undefined) return key;
      const token = /^Token\s+(\S+)/.exec(authorization)?.[1];
      return token === undefined ? '' : (owners.get(token) ?? 'owner of an earlier token');
    },
    learn(operation, body, data) {
      if (!operation.startsWith('authenticate')) return;
      const token = at(data, 'access', 'token', 'id');
      const user = userIn(body);
      if (typeof token === 'string' && user !== '') owners.set(token, user);
    },
  };
}

function userIn(body: Json | undefined): string {
  return textOf(at(body, 'auth', 'passwordCredentials', 'username'));
}
