/** A world of two servers and a proxy, as the race scenarios have it. */
import { buildInventory } from '../../../harness/runner/build-world.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { Journal } from '../../../src/kernel/journal.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { createWorld } from '../../../simulator/domain/create-world.ts';
import type { World } from '../../../simulator/domain/world-api.ts';

export function raceWorld(): World {
  const clock = new VirtualClock(0);
  const rng = createRng('race');
  const disks = [{ slot: 'ide0', size: '128KiB' }];
  const servers = ['vm1', 'vm2'].map((name) => ({ name, disks }));
  return createWorld({
    id: 'world-1',
    seed: 'race',
    clock,
    ids: createIdSource(rng.fork('ids')),
    rng,
    journal: new Journal({ now: () => clock.now() }),
    inventory: buildInventory({ servers, proxies: [{ name: 'proxy-1' }] }, 'race'),
  });
}
