/** Faults of hot-added devices in a proxy's guest; how they come about is told in simulator/guest/guest-faults.ts. */
import { duration, size, whole } from '../fault-fields.ts';
import type { KindRow } from '../kind-row.ts';

/** Characters of a disk's id, a UUID. */
const LONGEST_SERIAL = 36;

export const GUEST_KINDS = {
  'device-late': {
    places: ['guest'],
    fields: { ms: duration('delay', 1) },
    what: 'A hot-added device appears in the guest so much later than its task ends.',
    model: 'Hot-plug is a message to the guest, and its kernel handles it late.',
    example: { on: 'guest', kind: 'device-late', delay: '20s' },
  },
  'device-never': {
    places: ['guest'],
    fields: {},
    what: 'The HotAdd task ends well, the device never appears in the guest.',
    model: 'The message to the guest is lost.',
    example: { on: 'guest', kind: 'device-never' },
  },
  'device-order': {
    places: ['guest'],
    fields: {},
    what: 'The devices of one HotAdd task (of two disks and more) appear in the reverse order.',
    model: "The guest's kernel probes slots, not calls.",
    example: { on: 'guest', kind: 'device-order' },
  },
  'device-name': {
    places: ['guest'],
    fields: {},
    what: 'The device has a name of another family, sdb for vdb.',
    model: 'The disk was put on another bus.',
    example: { on: 'guest', kind: 'device-name' },
  },
  'device-serial': {
    places: ['guest'],
    fields: { characters: whole('characters', 0, LONGEST_SERIAL) },
    what: "Only so many characters of the disk's id are its serial number; 0: none. The usual number is 20.",
    model: 'Buses carry serial numbers of different lengths, or none.',
    example: { on: 'guest', kind: 'device-serial', characters: 8 },
  },
  'guest-signature': {
    places: ['guest'],
    fields: {},
    what: "The guest's system writes a disk signature into the first sector as soon as it sees the device.",
    model: 'Windows marks disks that it sees for the first time.',
    example: { on: 'guest', kind: 'guest-signature' },
  },
  'device-vanishes': {
    places: ['guest'],
    fields: { bytes: size('bytes') },
    what: 'The device is gone after so many bytes were read from it; the platform still calls it attached.',
    model: 'The device fails under load, and nobody tells the platform.',
    example: { on: 'guest', kind: 'device-vanishes', bytes: '128KiB' },
  },
  'detach-hangs': {
    places: ['guest'],
    fields: { ms: duration('delay', 0) },
    what: 'The guest lets the device go only after so long; 0: never, so that the removal fails.',
    model: 'Something in the guest keeps the device open.',
    example: { on: 'guest', kind: 'detach-hangs', delay: '30s' },
  },
  'detach-early': {
    places: ['guest'],
    fields: { ms: duration('delay', 1) },
    what: 'The removal is reported done so much before the guest lets go.',
    model:
      'The platform does not wait for the guest; the old device stays for a while and answers with errors.',
    example: { on: 'guest', kind: 'detach-early', delay: '5s' },
  },
} as const satisfies Record<string, KindRow>;
