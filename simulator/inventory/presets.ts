/** The sizes of the worlds that can be had by name. */

export type PresetName = 'tiny' | 'lab' | 'datacenter';

export interface PresetShape {
  readonly clusters: number;
  readonly hostsPerCluster: number;
  readonly datastoresPerCluster: number;
  /** Servers beside the proxies, over all clusters. */
  readonly servers: number;
  /** Spread over the cluster's hosts, so that every datastore is reached by one; every second is off. */
  readonly proxiesPerCluster: number;
  readonly disksPerServer: readonly [min: number, max: number];
  /** A disk's size before the odd tail, bytes. */
  readonly diskBytes: readonly [min: number, max: number];
  /** Bytes of each disk that hold data, about. */
  readonly dataBytes: readonly [min: number, max: number];
}

const MIB = 2 ** 20;
const GIB = 2 ** 30;

export const PRESETS = {
  /** A full backup of every server takes a moment: the disks are far smaller than the product allows. */
  tiny: {
    clusters: 1,
    hostsPerCluster: 2,
    datastoresPerCluster: 2,
    servers: 3,
    proxiesPerCluster: 2,
    disksPerServer: [2, 3],
    diskBytes: [16 * MIB, 64 * MIB],
    dataBytes: [2 * MIB, 6 * MIB],
  },
  lab: {
    clusters: 2,
    hostsPerCluster: 2,
    datastoresPerCluster: 3,
    servers: 12,
    proxiesPerCluster: 2,
    disksPerServer: [1, 4],
    diskBytes: [8 * GIB, 200 * GIB],
    dataBytes: [32 * MIB, 256 * MIB],
  },
  datacenter: {
    clusters: 8,
    hostsPerCluster: 16,
    datastoresPerCluster: 12,
    servers: 9_984,
    proxiesPerCluster: 2,
    disksPerServer: [1, 4],
    diskBytes: [20 * GIB, 4_096 * GIB],
    dataBytes: [2 * GIB, 64 * GIB],
  },
} as const satisfies Record<PresetName, PresetShape>;
