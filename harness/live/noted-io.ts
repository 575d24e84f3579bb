/** Requests to a disk, each told to somebody on its way; the same for NBD and for devices in a guest. */
import type { OpenDisk } from '../../src/engine/proxy-agent.ts';

type DiskIo = Pick<OpenDisk, 'read' | 'write' | 'writeZeroes' | 'flush' | 'blockStatus'>;

/** Told of a request; the work is under way. Returns what the work returns. */
type NoteIo = <T>(command: string, offset: number, length: number, work: Promise<T>) => Promise<T>;

export function notedIo(disk: DiskIo, note: NoteIo): DiskIo {
  return {
    read: (offset, length, signal) => note('READ', offset, length, disk.read(offset, length, signal)),
    write: (offset, data, how, signal) =>
      note('WRITE', offset, data.length, disk.write(offset, data, how, signal)),
    writeZeroes: (offset, length, how, signal) =>
      note('WRITE_ZEROES', offset, length, disk.writeZeroes(offset, length, how, signal)),
    flush: (signal) => note('FLUSH', 0, 0, disk.flush(signal)),
    blockStatus: (context, offset, length, signal) =>
      note('BLOCK_STATUS', offset, length, disk.blockStatus(context, offset, length, signal)),
  };
}
