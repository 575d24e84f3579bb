/** A world together with all that the process keeps around it. */
import type { World } from '../domain/world-api.ts';
import type { Faults } from '../fault/fault-api.ts';
import type { GuestPlane } from '../guest/guest-plane.ts';
import type { ApiWorld } from '../http/world-directory.ts';
import type { NbdWitness } from './nbd-journal.ts';
import { type ClusterCa, createClusterCa } from './pki.ts';
import type { HostedWorld } from './simulator-api.ts';

export interface Hosted extends HostedWorld, ApiWorld, NbdWitness {
  clusterCa(clusterId: string): ClusterCa;
  /** Ends the world and what runs in its guests. */
  close(): void;
}

/**
 * Clusters of the same id share a CA, whatever world they are in: a world that is made twice from one seed shows the
 * same certificate both times, and two such worlds at one address do not contradict each other.
 */
export class ClusterCas {
  readonly #cas = new Map<string, ClusterCa>();

  get(clusterId: string): ClusterCa {
    const known = this.#cas.get(clusterId);
    if (known !== undefined) return known;
    const ca = createClusterCa({ clusterId });
    this.#cas.set(clusterId, ca);
    return ca;
  }
}

export function createHosted(
  { world, faults, guests }: { world: World; faults: Faults; guests: GuestPlane },
  cas: ClusterCas,
): Hosted {
  let connections = 0;
  return {
    world,
    faults,
    guests: guests.guests,
    journal: world.journal,
    nextConnection: () => ++connections,
    clusterCa: (clusterId) => cas.get(clusterId),
    caPem: (clusterId) => cas.get(clusterId).pem,
    caCertBase64: (clusterId) => cas.get(clusterId).base64Der,
    close() {
      guests.close();
      world.close();
    },
  };
}
