/** Engines whose NBD client is too forgiving. */
import type { connectNbd } from '../../src/nbd/client/connect-nbd.ts';
import { NbdError } from '../../src/nbd/client/errors.ts';
import type { NbdClient } from '../../src/nbd/client/nbd-client-api.ts';
import type { Mutant } from './mutant.ts';
import { withoutTrust } from './trustless-tls.ts';

export const DATA_PATH_MUTANTS: readonly Mutant[] = [
  {
    id: 'unreadable-reads-as-zeros',
    breaks: 'engine',
    title: 'takes a block that can not be read for zeros',
    killers: ['S037-disk-read-error'],
    seams: () => ({
      connectNbd: (inner) => async (options, clock) => withZeros(await inner(options, clock)),
    }),
  },
  {
    id: 'any-certificate-will-do',
    breaks: 'engine',
    title: 'goes on when the data service shows a certificate that does not fit',
    killers: ['S028-certificate-of-a-stranger', 'S029-expired-certificate'],
    seams: () => ({ connectNbd: trusting }),
  },
];

/** Encrypts as asked, and trusts whoever is at the other end. */
function trusting(inner: typeof connectNbd): typeof connectNbd {
  return ({ tls, dial, ...options }, clock) =>
    inner({ ...options, dial: tls === undefined ? dial : withoutTrust(dial) }, clock);
}

function withZeros(client: NbdClient): NbdClient {
  return new Proxy(client, {
    get(target, key) {
      if (key === 'read') return readOrZeros(target);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function readOrZeros(client: NbdClient): NbdClient['read'] {
  return (offset, length, signal) =>
    client.read(offset, length, signal).catch((error: unknown) => {
      if (error instanceof NbdError) return Buffer.alloc(length);
      throw error;
    });
}
