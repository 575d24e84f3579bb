/**
 * Error numbers as they travel over NBD; the only ones that a server may send.
 * @source NBD protocol, proto.md ("Error values")
 */
export const ERRNO = {
  EPERM: 1,
  EIO: 5,
  ENOMEM: 12,
  EINVAL: 22,
  ENOSPC: 28,
  EOVERFLOW: 75,
  ENOTSUP: 95,
  ESHUTDOWN: 108,
} as const;

export type ErrnoName = keyof typeof ERRNO;

const names = new Map<number, ErrnoName>(
  Object.entries(ERRNO).map(([name, value]) => [value, name as ErrnoName]),
);

/** The name of a number from the wire. Numbers outside the table count as EINVAL, as the protocol demands. */
export function errnoName(errno: number): ErrnoName {
  return names.get(errno) ?? 'EINVAL';
}

/** The number for a thrown value whose `code` names one of the table's errors; EIO for all others. */
export function errnoOf(thrown: unknown): number {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' && isErrnoName(code) ? ERRNO[code] : ERRNO.EIO;
}

function isErrnoName(code: string): code is ErrnoName {
  return Object.hasOwn(ERRNO, code);
}
