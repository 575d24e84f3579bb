/** One disk of this process at a unix socket, in NBD. */
import type { Clock } from '../../../src/kernel/clock.ts';
import type { ExportDevice } from '../../nbd/export-device.ts';
import { listenNbd } from '../../nbd/listen-nbd.ts';
import { defaultNbdLimits } from '../../nbd/nbd-limits.ts';
import { silentObserver } from '../../nbd/nbd-observer.ts';

export function listenOne(path: string, device: ExportDevice, clock: Clock): Promise<AsyncDisposable> {
  return listenNbd({
    address: { path },
    directory: {
      list: () => [],
      find: () => device,
      open: () => ({ device, description: '', release: () => undefined }),
    },
    observer: silentObserver,
    limits: defaultNbdLimits,
    clock,
  });
}
