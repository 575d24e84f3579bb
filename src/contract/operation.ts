/** What is to be known about one call of the product's API. */
import type { Schema } from './schema.ts';

/** The least role that may make the call; `none`: no login. Platform administrators may make every call. */
export type Access = 'none' | 'tenant' | 'custom_admin' | 'admin';

export interface Operation {
  readonly summary: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Accepted paths, several dates for one resource; the first is the one to use. */
  readonly paths: readonly [string, ...string[]];
  /** The documented status of success. They are irregular. */
  readonly success: 200 | 201 | 204;
  /** SCP version that brought the call. */
  readonly minVersion: string;
  readonly access: Access;
  /** 404 is documented; else an unknown server or snapshot is a 400. */
  readonly hasNotFound: boolean;
  readonly query?: Schema;
  readonly body?: Schema;
  /** What stands under `data` of a successful answer. */
  readonly data: Schema;
  readonly fidelity: 'documented' | 'observed' | 'assumed';
  readonly source: string;
}
