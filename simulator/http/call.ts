/** A call on its way through the API: as it came, who makes it, what the handler gets, what goes back. */
import type { EnvelopeVersion } from '../../src/contract/envelope.ts';
import type { OPERATIONS, OperationName } from '../../src/contract/operations.ts';
import type { Schema } from '../../src/contract/schema.ts';
import type { Json } from '../../src/kernel/journal.ts';
import type { World } from '../domain/world-api.ts';
import type { Caller } from './identify.ts';
import type { ApiWorld, WorldDirectory } from './world-directory.ts';

/** A request as it came off the wire. */
export interface RawCall {
  /** `undefined` where no route matched. */
  readonly operation: OperationName | undefined;
  readonly method: string;
  /** As sent, still encoded, without the query. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
  readonly address: string;
}

export interface Reply {
  readonly status: number;
  /** `undefined`: an answer without a body. */
  readonly body: Json | undefined;
  /** What arrives in its place when somebody in between has damaged it. */
  readonly text?: string;
}

/** `lost`: the connection ends without an answer. */
export type Outcome = Reply | 'lost';

/** What a handler gets: everything is checked. */
export interface Call<Body = unknown, Query = unknown> {
  readonly hosted: ApiWorld;
  readonly world: World;
  /** Access key or user name. */
  readonly actor: string;
  readonly address: string;
  /** `20240725`, `undefined` where the path has no date. */
  readonly date: string | undefined;
  readonly envelope: EnvelopeVersion;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
}

type BodyOf<N extends OperationName> = (typeof OPERATIONS)[N] extends { body: Schema<infer T> }
  ? T
  : undefined;
type QueryOf<N extends OperationName> = (typeof OPERATIONS)[N] extends { query: Schema<infer T> }
  ? T
  : undefined;

/** What only the login needs. */
export interface Session {
  readonly worlds: WorldDirectory;
  readonly caller: Caller;
}

/** Turns a checked call into the `data` of its answer. @throws ApiError */
type Handler<N extends OperationName> = (call: Call<BodyOf<N>, QueryOf<N>>, session: Session) => Json;

export type HandlersOf<N extends OperationName> = { readonly [K in N]: Handler<K> };

/** Calls that are answered before anybody is logged in; they are no handlers of a world. */
type PreLoginOperation = 'public-key' | 'public-key.v2';

export type WorldOperation = Exclude<OperationName, PreLoginOperation>;

export const headerOf = (call: RawCall, name: string): string | undefined => {
  const value = call.headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
};
