/** What the control interface steers. The app implements it. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { World } from '../domain/world-api.ts';
import type { Faults } from '../fault/fault-api.ts';
import type { Guests } from '../guest/guest-api.ts';
import type { ShapeSchema } from '../inventory/check-shape.ts';
import type { ClockMode } from './clock-mode.ts';
import type { Steering } from './steering.ts';

export interface ControlledWorld {
  readonly world: World;
  readonly faults: Faults;
  readonly guests: Guests;
  readonly steering: Steering;
}

export interface WorldRequest {
  readonly id?: string;
  readonly seed?: string;
  readonly clock?: ClockMode;
  readonly preset?: 'tiny' | 'lab' | 'datacenter';
  /** An inventory as in a file. */
  readonly inventory?: unknown;
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface ControlHost {
  readonly version: string;
  /** Oldest first; the first one goes by the name `default` too. */
  worlds(): readonly ControlledWorld[];
  /** @throws ApiError INVALID_PARAMETER, CONFLICT */
  createWorld(request: WorldRequest): Promise<ControlledWorld>;
  removeWorld(id: string): Promise<void>;
  /** Folder in which the devices of a world's guests can be opened; `undefined` where they can't. */
  guestFolder?(world: string): string | undefined;
  totals(): Readonly<Record<string, number>>;
  /** The product API's own OpenAPI document. */
  productOpenApi(): unknown;
}

/** A route of the control interface: enough to serve it and to describe it. */
export interface ControlRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Under `/_backlot/v1`, `:name` for parameters. */
  readonly path: string;
  readonly summary: string;
  /** JSON body; absent: none. */
  readonly body?: ShapeSchema;
  /** The body in full for the OpenAPI document, where `body` leaves the checks to the world. */
  readonly describedBody?: object;
  /** The body is raw bytes. */
  readonly isBinaryBody?: true;
  readonly query?: Readonly<Record<string, QueryField>>;
  /** Media type of the answer; JSON when absent. */
  readonly produces?: string;
  readonly run: (call: ControlCall) => unknown;
}

export interface QueryField {
  readonly type: 'integer' | 'boolean';
  readonly isRequired?: true;
  readonly description: string;
}

export interface ControlCall {
  readonly host: ControlHost;
  readonly params: Readonly<Record<string, string>>;
  /** Checked against the route: integers and booleans. */
  readonly query: Readonly<Record<string, number | boolean | undefined>>;
  readonly body: unknown;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}
