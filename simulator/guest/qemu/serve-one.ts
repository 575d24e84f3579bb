/** A connection to one disk of this process, in NBD. */
import { type Duplex, duplexPair } from 'node:stream';
import type { Clock } from '../../../src/kernel/clock.ts';
import type { ExportDevice } from '../../nbd/export-device.ts';
import { defaultNbdLimits } from '../../nbd/nbd-limits.ts';
import { silentObserver } from '../../nbd/nbd-observer.ts';
import { serveNbd } from '../../nbd/serve-nbd.ts';

/** The client's end. */
export function serveOne(device: ExportDevice, clock: Clock): Duplex {
  const [client, server] = duplexPair();
  void serveNbd(server, {
    directory: {
      list: () => [],
      find: () => device,
      open: () => ({ device, description: '', release: () => undefined }),
    },
    observer: silentObserver,
    limits: defaultNbdLimits,
    clock,
    connectionId: 1,
    address: 'guest',
  });
  return client;
}
