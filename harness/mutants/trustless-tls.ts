/**
 * TLS to an NBD server without a look at its certificate, for a client that believes it speaks in the clear.
 *
 * Greets and says STARTTLS in the client's place, then plays the greeting to the client, swallows its answer (the
 * server has had one) and joins the two.
 */
import { duplexPair, type Duplex } from 'node:stream';
import tls from 'node:tls';
import { OPTION } from '../../src/nbd/wire/constants.ts';
import { encodeClientFlags, encodeOption } from '../../src/nbd/wire/encode-handshake.ts';
import type { NbdDial } from '../../src/nbd/client/nbd-client-api.ts';

const GREETING_BYTES = 18;
const CLIENT_FLAGS_BYTES = 4;
const OPTION_REPLY_BYTES = 20;
const FIXED_NEWSTYLE_AND_NO_ZEROES = 3;

export function withoutTrust(dial: NbdDial): NbdDial {
  return async (signal) => {
    const plain = await dial(signal);
    const greeting = await readExactly(plain, GREETING_BYTES);
    plain.write(encodeClientFlags(FIXED_NEWSTYLE_AND_NO_ZEROES));
    plain.write(encodeOption(OPTION.STARTTLS, Buffer.alloc(0)));
    await readExactly(plain, OPTION_REPLY_BYTES);
    const secured = tls.connect({ socket: plain, rejectUnauthorized: false });
    const [client, behind] = duplexPair();
    behind.write(greeting);
    join(behind, secured);
    return client;
  };
}

/** Joins once the client's flags have come; they are not passed on. */
function join(client: Duplex, secured: Duplex): void {
  const part = (one: Duplex, other: Duplex): void => {
    one.once('error', (error) => other.destroy(error)).once('close', () => other.destroy());
  };
  part(client, secured);
  part(secured, client);
  const pass = (): void => {
    client.pipe(secured);
    secured.pipe(client);
  };
  readExactly(client, CLIENT_FLAGS_BYTES).then(pass, () => undefined);
}

function readExactly(stream: Duplex, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const onReadable = (): void => {
      const read = stream.read(bytes) as Buffer | null;
      if (read === null) return;
      stream.off('readable', onReadable).off('error', reject);
      resolve(read);
    };
    stream.on('readable', onReadable).once('error', reject);
    onReadable();
  });
}
