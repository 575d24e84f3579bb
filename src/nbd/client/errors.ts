/** What can go wrong, by what a caller can do about it. */
import { type ErrnoName, errnoName } from '../wire/errno.ts';

export { NbdProtocolError } from '../wire/protocol-error.ts';

/** The server answered a request with an error. */
export class NbdError extends Error {
  override readonly name = 'NbdError';
  /** `ENOSPC`, ...; `EINVAL` for numbers that NBD does not know. */
  readonly code: ErrnoName;
  /** The number as it came. */
  readonly errno: number;

  constructor(errno: number, what: string) {
    const code = errnoName(errno);
    super(`${what}: ${code}`);
    this.errno = errno;
    this.code = code;
  }
}

/** The server does not give the export: `ERR_UNKNOWN`, `ERR_TLS_REQD`, `ERR_POLICY`, ... Repeating does not help. */
export class NbdRefused extends Error {
  override readonly name = 'NbdRefused';
  readonly reply: string;

  constructor(reply: string, what: string) {
    super(`${what}: ${reply}`);
    this.reply = reply;
  }
}

/** The connection went away (or never came), more often than the retries allow. */
export class NbdConnectionLost extends Error {
  override readonly name: string = 'NbdConnectionLost';
}

/** No answer in time. The connection is given up, so it is a kind of `NbdConnectionLost`. */
export class NbdTimeout extends NbdConnectionLost {
  override readonly name = 'NbdTimeout';
}

/** TLS was asked for and can't be had: refused, handshake failed, or the certificate is not the right one. */
export class NbdTlsError extends Error {
  override readonly name = 'NbdTlsError';
}
