/**
 * What spoils an attempt but not the job: everything made for the attempt is released, and the job starts anew with a
 * new snapshot and a new lock. Never is an attempt continued with handles of an earlier lock period.
 */
export type SetbackKind =
  /** The lock on the server ended before the work did. */
  | 'lease-lost'
  /** Another snapshot was taken before the server was locked, so the lock serves that one. */
  | 'snapshot-superseded'
  /** The data connection went away for good although the lock still holds. */
  | 'data-path-lost'
  /** The proxy VM or a disk attached to it went away in mid-work. */
  | 'proxy-lost'
  /** The proxy's guest wrote to the clone that was being read. */
  | 'guest-wrote'
  /** The changed-block history is void; it is reset, and the next attempt is a full one. */
  | 'cbt-expired'
  /** A tracked disk was resized since the base, so its map is not to be trusted; reset likewise. */
  | 'disk-resized';

export class Setback extends Error {
  override readonly name = 'Setback';
  readonly kind: SetbackKind;

  constructor(kind: SetbackKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
