/** The world in which a vendor works by hand: two servers to protect, a proxy, disks that only the harness writes to. */
import type { Scenario } from '../runner/scenario-schema.ts';

export const WATCH_SCENARIO: Scenario = {
  id: 'W00-watch',
  title: 'A product that is worked by hand, and watched',
  rule: 'Whatever a backup product does, it keeps to the rules of the platform.',
  why: 'What no driver can start can still be watched.',
  world: {
    servers: [
      {
        name: 'erp-01',
        disks: [
          { slot: 'ide0', size: '8MiB', content: { allocated: 0.6 } },
          { slot: 'virtio0', size: '2MiB', content: { allocated: 0.3 } },
        ],
      },
      { name: 'web-01', disks: [{ slot: 'ide0', size: '4MiB', content: { allocated: 0.5 } }] },
    ],
    proxies: [{ name: 'proxy-1' }],
  },
  steps: [],
};
