/** Faults of the data plane alone. */
import { ERRNO } from '../../../src/nbd/wire/errno.ts';
import { oneOf, optional, size } from '../fault-fields.ts';
import type { KindRow } from '../kind-row.ts';

export const NBD_KINDS = {
  errno: {
    places: ['nbd', 'guest'],
    fields: { errno: oneOf('errno', Object.keys(ERRNO)) },
    what: 'The request fails with this error of NBD.',
    model: 'The disk, its datastore or the service gives up on one request. The connection stays.',
    example: { on: 'nbd', kind: 'errno', errno: 'ESHUTDOWN' },
  },
  'corrupt-payload': {
    places: ['nbd', 'guest'],
    fields: { offset: optional(size('offset')) },
    what: 'One bit of the data that a read gets is wrong: of the byte at this offset of the disk, else of the first one.',
    model:
      'Storage or memory that rots below every checksum of the network. The disk itself is untouched: reading again gives the truth. Nobody can know who reads once and verifies nothing.',
    example: { on: 'data', kind: 'corrupt-payload', offset: '64KiB' },
  },
  'reorder-replies': {
    places: ['nbd'],
    fields: {},
    what: 'The reply to the request comes after the reply to a later one.',
    model:
      'NBD promises no order, and a server with several workers keeps none. Where no other request is under way the reply is 20 ms late.',
    example: { on: 'nbd', kind: 'reorder-replies', times: 0 },
  },
  'garbage-after-bytes': {
    places: ['nbd'],
    fields: { bytes: size('bytes') },
    what: 'From the first reply on that begins after so many bytes of replies, garbage comes in place of replies.',
    model:
      'A service whose memory is damaged, or something else that answers at its port. What begins as a reply is one; garbage is never taken for a reply by its magic number.',
    example: { on: 'nbd', kind: 'garbage-after-bytes', bytes: '64KiB' },
  },
  'drop-after-bytes': {
    places: ['nbd'],
    fields: { bytes: size('bytes') },
    what: 'The NBD connection is reset after so many bytes of replies.',
    model: 'A reset by whatever stands in between. What was answered before has arrived.',
    example: { on: 'nbd', kind: 'drop-after-bytes', bytes: '100KiB+13' },
  },
  'silence-after-bytes': {
    places: ['nbd'],
    fields: { bytes: size('bytes') },
    what: 'The NBD connection stays up and says nothing more after so many bytes of replies.',
    model: 'Half-open: the other machine is gone and nobody has told this one.',
    example: { on: 'nbd', kind: 'silence-after-bytes', bytes: '64KiB' },
  },
  'one-byte-at-a-time': {
    places: ['nbd'],
    fields: {},
    what: 'Everything the NBD server sends arrives one byte at a time.',
    model: 'TCP promises an order, not pieces. Nothing is lost.',
    example: { on: 'nbd', kind: 'one-byte-at-a-time' },
  },
  'bad-certificate': {
    places: ['nbd'],
    fields: { flaw: oneOf('flaw', ['foreign-ca', 'expired', 'wrong-host']) },
    what: 'The NBD server shows a certificate that does not fit.',
    model:
      'Somebody in the middle, or a certificate that nobody has renewed. Over plain NBD it has no occasion.',
    example: { on: 'nbd', kind: 'bad-certificate', flaw: 'foreign-ca' },
  },
} as const satisfies Record<string, KindRow>;
