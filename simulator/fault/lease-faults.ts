/**
 * Faults that strike when a backup resource has a certain time left.
 *
 * Model: the platform's own clock decides. Every time that a lease begins or is renewed, one alarm is set for each
 * distance that a fault is planned for; a renewal before it moves it, the end of the lease takes it away. At the same
 * instant nothing else is in its way: what befalls the world does so between two calls.
 */
import type { Clock, Timer } from '../../src/kernel/clock.ts';
import type { Interference, Lease } from '../domain/interference.ts';
import type { World } from '../domain/world-api.ts';
import type { Faults } from './fault-api.ts';
import { scopeOf, WORLD_FAULT_KINDS, worldFaultsOf } from './world-faults.ts';

export interface LeaseFaultsOptions {
  readonly clock: Clock;
  /** World and faults come later than what watches the world's leases. */
  readonly faults: () => Faults;
  readonly world: () => World;
}

export function createLeaseFaults(options: LeaseFaultsOptions): Interference['leaseChanged'] {
  const alarms = new Alarms(options);
  return (lease) => alarms.set(lease);
}

class Alarms {
  readonly #options: LeaseFaultsOptions;
  readonly #leases = new Map<string, Lease>();
  /** By lease, then by distance in seconds. */
  readonly #timers = new Map<string, Map<number, Timer>>();
  #isListening = false;

  constructor(options: LeaseFaultsOptions) {
    this.#options = options;
  }

  set(lease: Lease): void {
    const { resourceId } = lease;
    for (const timer of this.#timers.get(resourceId)?.values() ?? []) timer.cancel();
    this.#timers.delete(resourceId);
    if (lease.deadlineMs === undefined) this.#leases.delete(resourceId);
    else this.#leases.set(resourceId, lease);
    this.#listen();
    for (const { spec } of this.#options.faults().list()) this.#arm(lease, spec.atRemaining);
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#options.faults().onPlanned(({ atRemaining }) => {
      for (const lease of this.#leases.values()) this.#arm(lease, atRemaining);
    });
  }

  /** One alarm for each distance, however many faults are planned for it. */
  #arm(lease: Lease, atRemaining: number | undefined): void {
    const { clock } = this.#options;
    if (atRemaining === undefined || lease.deadlineMs === undefined) return;
    const atMs = lease.deadlineMs - atRemaining * 1000;
    const timers = this.#timers.get(lease.resourceId) ?? new Map<number, Timer>();
    if (atMs < clock.now() || timers.has(atRemaining)) return;
    this.#timers.set(lease.resourceId, timers);
    timers.set(
      atRemaining,
      clock.setTimer(atMs, () => this.#strike(lease, atRemaining)),
    );
  }

  #strike({ resourceId, serverId }: Lease, remaining: number): void {
    const world = this.#options.world();
    const faults = this.#options.faults();
    const befalls = worldFaultsOf(world, faults);
    const place = { on: 'lease', serverId, resourceId, remaining };
    const scope = scopeOf(world, place);
    const struck = faults.strike({
      ...place,
      can: WORLD_FAULT_KINDS,
      canStrike: (fault) => befalls.canBefall(fault, scope),
    });
    for (const fault of struck) befalls.befall(fault, scope);
  }
}
