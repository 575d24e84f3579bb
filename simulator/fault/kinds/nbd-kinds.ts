/** Faults of the data plane alone. */
import { oneOf, size } from '../fault-fields.ts';
import type { KindRow } from '../kind-row.ts';

export const NBD_KINDS = {
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
