/** NBD: a client for Node, and the parts of the wire that a server needs. */
export { connectNbd, listNbdExports, type NbdListOptions } from './client/connect-nbd.ts';
export { DIRECT_READ, type DirectReadable } from './client/direct-read.ts';
export {
  NbdConnectionLost,
  NbdError,
  NbdProtocolError,
  NbdRefused,
  NbdTimeout,
  NbdTlsError,
} from './client/errors.ts';
export type {
  NbdClient,
  NbdClientOptions,
  NbdDial,
  NbdExportInfo,
  NbdExtent,
  NbdTlsOptions,
} from './client/nbd-client-api.ts';
export type { ListedExport } from './client/negotiate.ts';
export { ALLOCATION_CONTEXT, ALLOCATION_FLAG } from './wire/constants.ts';
export { ERRNO, type ErrnoName } from './wire/errno.ts';
