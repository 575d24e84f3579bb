/** Is told everything that a connection does. Called in the hot path with plain numbers; nothing is built for it. */
export interface NbdObserver {
  opened(connection: number, address: string): void;
  /** An option got its final reply (`ACK`, `ERR_UNKNOWN`, ...; `hang-up` where there is none). */
  option(
    connection: number,
    option: string,
    reply: string,
    exportName: string | undefined,
    isTls: boolean,
  ): void;
  /** `request` counts from 1 on every connection. `offset` is approximate above 2^53. */
  request(
    connection: number,
    request: number,
    command: number,
    flags: number,
    offset: number,
    length: number,
  ): void;
  /** `bytes`: content given to the client; holes count in full. */
  reply(connection: number, request: number, errno: number, bytes: number): void;
  /** The last call for this connection. */
  closed(connection: number, why: string): void;
}

export const silentObserver: NbdObserver = {
  opened() {},
  option() {},
  request() {},
  reply() {},
  closed() {},
};
