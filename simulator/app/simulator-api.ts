/** The simulator as a whole: many isolated worlds behind one REST door and one NBD door. */
import type { Duplex } from 'node:stream';
import type { Clock } from '../../src/kernel/clock.ts';
import type { HttpTransport } from '../../src/sdk/http-transport.ts';
import type { InventorySpec } from '../domain/inventory.ts';
import type { World, WorldSettings } from '../domain/world-api.ts';
import type { Faults } from '../fault/fault-api.ts';
import type { Guests } from '../guest/guest-api.ts';

export interface WorldSpec {
  /** Drawn from the seed when absent. */
  readonly id?: string;
  readonly seed: string;
  readonly clock: Clock;
  /** A preset's name or the inventory itself. */
  readonly inventory: 'tiny' | 'lab' | 'datacenter' | InventorySpec;
  readonly settings?: Partial<WorldSettings>;
  /** Entries of the journal kept in memory. Unlimited when absent. */
  readonly journalCapacity?: number;
}

/** A world with the things around it. */
export interface HostedWorld {
  readonly world: World;
  readonly faults: Faults;
  /** The guests of its proxy VMs from the inside. */
  readonly guests: Guests;
  /** PEM of a cluster's CA, as `ca_cert` of backup resources (there base64 DER). */
  caPem(clusterId: string): string;
}

export interface Simulator extends AsyncDisposable {
  createWorld(spec: WorldSpec): Promise<HostedWorld>;
  worlds(): readonly HostedWorld[];
  removeWorld(id: string): void;
  /** The product's REST API without a socket; the credential in a request chooses the world. */
  readonly transport: HttpTransport;
  /** The NBD service of a host without a socket. Rejects with ECONNREFUSED where no NBD service listens. */
  dialNbd(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
}
