import { TRANSMISSION_FLAG as FLAG } from '../../src/nbd/wire/constants.ts';

const ALWAYS =
  FLAG.HAS_FLAGS |
  FLAG.SEND_FLUSH |
  FLAG.SEND_FUA |
  FLAG.SEND_CACHE |
  // One process holds the disk, so a flush on one connection covers the writes of all.
  FLAG.CAN_MULTI_CONN;

/** What an export says about itself. DF means something only where replies come in chunks. */
export function transmissionFlags(isReadOnly: boolean, isStructured: boolean): number {
  const access = isReadOnly ? FLAG.READ_ONLY : FLAG.SEND_TRIM | FLAG.SEND_WRITE_ZEROES;
  return ALWAYS | access | (isStructured ? FLAG.SEND_DF : 0);
}
