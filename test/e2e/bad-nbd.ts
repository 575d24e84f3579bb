/** What an NBD client may say wrong, with the error that it gets. */
import { GO, infoData, metaData, option, type RawRequest, text, u32 } from '../nbd/raw-client.ts';
import { type BadInputStage, DISK_BYTES, MIB } from './bad-input-stage.ts';

export const BAD_OPTIONS: readonly (readonly [string, (stage: BadInputStage) => Buffer, string])[] = [
  ['an unknown option', () => option(99, 'data'), 'ERR_UNSUP'],
  ['extended headers', () => option(11), 'ERR_UNSUP'],
  ['LIST with data', () => option(3, 'x'), 'ERR_INVALID'],
  ['STRUCTURED_REPLY with data', () => option(8, 'x'), 'ERR_INVALID'],
  ['GO without data', () => option(7), 'ERR_INVALID'],
  ['GO with a name longer than its data', () => option(7, u32(4_000_000_000)), 'ERR_INVALID'],
  [
    'GO with a count that lies',
    () => option(7, Buffer.concat([text('x'), Buffer.from([0xff, 0xff])])),
    'ERR_INVALID',
  ],
  [
    'GO with a name that is no UTF-8',
    () => option(7, Buffer.concat([text(Buffer.from([0xff])), Buffer.alloc(2)])),
    'ERR_INVALID',
  ],
  ['GO with an unknown export', () => GO('nothing'), 'ERR_UNKNOWN'],
  ['GO with an unknown disk', (stage) => GO(`${stage.ids.resource}/ide7`), 'ERR_UNKNOWN'],
  ['GO with a path', () => GO('../../../etc/passwd'), 'ERR_UNKNOWN'],
  ['INFO of an unknown export', () => option(6, infoData('nothing')), 'ERR_UNKNOWN'],
  [
    'SET_META_CONTEXT without structured replies',
    (stage) => option(10, metaData(stage.exportName(), 'base:allocation')),
    'ERR_INVALID',
  ],
  [
    'LIST_META_CONTEXT with a count that lies',
    () => option(9, Buffer.concat([text('x'), u32(0xffffffff)])),
    'ERR_INVALID',
  ],
];

/** Nothing can be said in answer to these; the journal says why the connection ended. */
export const BREAKS: readonly (readonly [string, number, Buffer, string])[] = [
  ['a wrong option magic', 3, Buffer.alloc(16, 'x'), 'wrong option magic'],
  ['an option of 4 GiB', 3, option(7, '', 0xffffffff), 'option of 4294967295 bytes'],
  ['an option above the limit', 3, option(7, '', 64 * 1024 + 1), 'option of 65537 bytes'],
  ['unknown client flags', 0x100, Buffer.alloc(0), 'unknown client flags'],
  ['EXPORT_NAME of an unknown export', 3, option(1, 'nothing'), 'export refused: unknown'],
  ['another protocol', 0x47455420, Buffer.from('/ HTTP/1.1\r\n\r\n'), 'unknown client flags'],
  ['300 options', 3, Buffer.concat(Array.from({ length: 300 }, () => option(99))), 'too many options'],
];

export const READ = 0;
export const WRITE = 1;
const END = DISK_BYTES;

export const BAD_REQUESTS: readonly (readonly [string, RawRequest, string])[] = [
  ['a read past the end', { type: READ, offset: END - 512, length: 513 }, 'EINVAL'],
  ['a read at the end', { type: READ, offset: END, length: 1 }, 'EINVAL'],
  ['a read at 2^63', { type: READ, offset: 2n ** 63n, length: 512 }, 'EINVAL'],
  ['a read at 2^64-1', { type: READ, offset: 2n ** 64n - 1n, length: 512 }, 'EINVAL'],
  ['a read of nothing', { type: READ, offset: 0, length: 0 }, 'EINVAL'],
  ['a read above the limit', { type: READ, offset: 0, length: 32 * MIB + 1 }, 'EINVAL'],
  ['a read of 4 GiB', { type: READ, offset: 0, length: 0xffffffff }, 'EINVAL'],
  ['unknown flags', { type: READ, flags: 0x8000, offset: 0, length: 512 }, 'EINVAL'],
  ['an unknown command', { type: 77, offset: 0, length: 512 }, 'EINVAL'],
  ['block status without a context', { type: 7, offset: 0, length: 512 }, 'EINVAL'],
  ['flush with a range', { type: 3, offset: 0, length: 512 }, 'EINVAL'],
  ['a write to a snapshot', { type: WRITE, length: 3, payload: Buffer.from('abc') }, 'EPERM'],
  ['a trim of a snapshot', { type: 4, offset: 0, length: 512 }, 'EPERM'],
  ['zeros on a snapshot', { type: 6, offset: 0, length: 512 }, 'EPERM'],
];

export const BAD_RESTORE_REQUESTS: readonly (readonly [string, RawRequest, string])[] = [
  ['a write past the end', { type: WRITE, offset: END - 1, length: 2, payload: Buffer.alloc(2) }, 'ENOSPC'],
  ['zeros past the end', { type: 6, offset: END - 1, length: 2 }, 'ENOSPC'],
  ['a trim past the end', { type: 4, offset: END - 1, length: 2 }, 'EINVAL'],
  ['a write of nothing', { type: WRITE, offset: 0, length: 0 }, 'EINVAL'],
  [
    'a write above the limit',
    { type: WRITE, length: 32 * MIB + 1, payload: Buffer.alloc(32 * MIB + 1) },
    'EINVAL',
  ],
];
