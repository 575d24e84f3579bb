/**
 * Numbers of the NBD protocol.
 * @source NBD protocol, proto.md ("Values")
 */

/** 64-bit magics as their two big-endian words, so that no `bigint` is needed. */
export const GREETING_MAGIC = { high: 0x4e42444d, low: 0x41474943 } as const; // "NBDMAGIC"
export const OPTION_MAGIC = { high: 0x49484156, low: 0x454f5054 } as const; // "IHAVEOPT"
export const OPTION_REPLY_MAGIC = { high: 0x0003e889, low: 0x045565a9 } as const;
export const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const CHUNK_MAGIC = 0x668e33ef;

export const HANDSHAKE_FLAG = { FIXED_NEWSTYLE: 1, NO_ZEROES: 2 } as const;

export const OPTION = {
  EXPORT_NAME: 1,
  ABORT: 2,
  LIST: 3,
  STARTTLS: 5,
  INFO: 6,
  GO: 7,
  STRUCTURED_REPLY: 8,
  LIST_META_CONTEXT: 9,
  SET_META_CONTEXT: 10,
  EXTENDED_HEADERS: 11,
} as const;

export const OPTION_REPLY = {
  ACK: 1,
  SERVER: 2,
  INFO: 3,
  META_CONTEXT: 4,
  ERR_UNSUP: 0x80000001,
  ERR_POLICY: 0x80000002,
  ERR_INVALID: 0x80000003,
  ERR_PLATFORM: 0x80000004,
  ERR_TLS_REQD: 0x80000005,
  ERR_UNKNOWN: 0x80000006,
  ERR_SHUTDOWN: 0x80000007,
  ERR_BLOCK_SIZE_REQD: 0x80000008,
  ERR_TOO_BIG: 0x80000009,
  ERR_EXT_HEADER_REQD: 0x8000000a,
} as const;

/** Option replies from here on are errors. */
export const FIRST_ERROR_REPLY = 0x80000000;

export const INFO = { EXPORT: 0, NAME: 1, DESCRIPTION: 2, BLOCK_SIZE: 3 } as const;

export const TRANSMISSION_FLAG = {
  HAS_FLAGS: 1 << 0,
  READ_ONLY: 1 << 1,
  SEND_FLUSH: 1 << 2,
  SEND_FUA: 1 << 3,
  ROTATIONAL: 1 << 4,
  SEND_TRIM: 1 << 5,
  SEND_WRITE_ZEROES: 1 << 6,
  SEND_DF: 1 << 7,
  CAN_MULTI_CONN: 1 << 8,
  SEND_CACHE: 1 << 10,
  SEND_FAST_ZERO: 1 << 11,
} as const;

export const COMMAND = {
  READ: 0,
  WRITE: 1,
  DISC: 2,
  FLUSH: 3,
  TRIM: 4,
  CACHE: 5,
  WRITE_ZEROES: 6,
  BLOCK_STATUS: 7,
} as const;

export const COMMAND_FLAG = { FUA: 1, NO_HOLE: 2, DF: 4, REQ_ONE: 8, FAST_ZERO: 16 } as const;

export const CHUNK_FLAG_DONE = 1;

export const CHUNK = {
  NONE: 0,
  OFFSET_DATA: 1,
  OFFSET_HOLE: 2,
  BLOCK_STATUS: 5,
  ERROR: 0x8001,
  ERROR_OFFSET: 0x8002,
} as const;

/** Chunk types with this bit are errors, known or not. */
export const CHUNK_ERROR_BIT = 0x8000;

export const ALLOCATION_CONTEXT = 'base:allocation';
/** Bits of an extent of `base:allocation`. A hole without ZERO has undefined content and counts as data. */
export const ALLOCATION_FLAG = { HOLE: 1, ZERO: 2 } as const;

export const GREETING_BYTES = 18;
export const CLIENT_FLAGS_BYTES = 4;
export const OPTION_HEADER_BYTES = 16;
export const OPTION_REPLY_HEADER_BYTES = 20;
export const REQUEST_BYTES = 28;
export const SIMPLE_REPLY_BYTES = 16;
export const CHUNK_HEADER_BYTES = 20;
/** Zero bytes after the answer to EXPORT_NAME, unless the client said NO_ZEROES. */
export const EXPORT_NAME_PADDING_BYTES = 124;

/** Longest string of the protocol (export names, descriptions, queries), in bytes of UTF-8. */
export const MAX_STRING_BYTES = 4096;
/** Longest payload of READ and WRITE that both sides may take for granted. */
export const DEFAULT_MAX_PAYLOAD_BYTES = 32 * 2 ** 20;
/** Most extents that one BLOCK_STATUS chunk may carry. */
export const MAX_EXTENTS = 2 ** 20;

const optionNames = namesOf(OPTION);
const replyNames = namesOf(OPTION_REPLY);
const commandNames = namesOf(COMMAND);

export const optionName = (option: number): string => optionNames.get(option) ?? `OPTION_${option}`;
export const optionReplyName = (reply: number): string => replyNames.get(reply) ?? `REPLY_${reply}`;
export const commandName = (command: number): string => commandNames.get(command) ?? `COMMAND_${command}`;

function namesOf(table: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(table).map(([name, value]) => [value, name]));
}
