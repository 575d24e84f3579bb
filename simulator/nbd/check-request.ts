/** Which error a request deserves before the device sees it. */
import { COMMAND, COMMAND_FLAG } from '../../src/nbd/wire/constants.ts';
import { ERRNO } from '../../src/nbd/wire/errno.ts';
import type { RequestHeader } from '../../src/nbd/wire/request-decoder.ts';

export interface ExportFacts {
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  readonly isStructured: boolean;
  readonly hasContexts: boolean;
  readonly maxPayloadBytes: number;
}

/** FUA is taken everywhere, as the protocol asks. */
const FLAGS_OF: Readonly<Record<number, number>> = {
  [COMMAND.READ]: COMMAND_FLAG.FUA | COMMAND_FLAG.DF,
  [COMMAND.WRITE]: COMMAND_FLAG.FUA,
  [COMMAND.FLUSH]: COMMAND_FLAG.FUA,
  [COMMAND.TRIM]: COMMAND_FLAG.FUA,
  [COMMAND.CACHE]: COMMAND_FLAG.FUA,
  [COMMAND.WRITE_ZEROES]: COMMAND_FLAG.FUA | COMMAND_FLAG.NO_HOLE,
  [COMMAND.BLOCK_STATUS]: COMMAND_FLAG.FUA | COMMAND_FLAG.REQ_ONE,
};

/** The errno, or 0 for a request that the device may have. */
export function checkRequest(request: RequestHeader, facts: ExportFacts): number {
  const { type, flags, offset, length } = request;
  const allowed = FLAGS_OF[type];
  if (allowed === undefined || (flags & ~allowed) !== 0) return ERRNO.EINVAL;
  if (changesData(type) && facts.isReadOnly) return ERRNO.EPERM;
  if (type === COMMAND.FLUSH) return offset === 0 && length === 0 ? 0 : ERRNO.EINVAL;
  if (length === 0 || needsMore(request, facts)) return ERRNO.EINVAL;
  if (offset + length <= facts.sizeBytes) return 0;
  return type === COMMAND.WRITE || type === COMMAND.WRITE_ZEROES ? ERRNO.ENOSPC : ERRNO.EINVAL;
}

function changesData(type: number): boolean {
  return type === COMMAND.WRITE || type === COMMAND.WRITE_ZEROES || type === COMMAND.TRIM;
}

/** The request wants something that was not negotiated, or more than was announced. */
function needsMore({ type, flags, length }: RequestHeader, facts: ExportFacts): boolean {
  if ((flags & COMMAND_FLAG.DF) !== 0 && !facts.isStructured) return true;
  if (type === COMMAND.BLOCK_STATUS) return !facts.hasContexts;
  return (type === COMMAND.READ || type === COMMAND.WRITE) && length > facts.maxPayloadBytes;
}
