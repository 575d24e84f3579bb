/** Writes a cpio archive of the kind (`newc`) that a Linux kernel unpacks as its first file system. */

export type ArchiveEntry =
  | { readonly path: string; readonly kind: 'folder' }
  | {
      readonly path: string;
      readonly kind: 'file';
      readonly content: Buffer;
      readonly isExecutable?: boolean;
    }
  | {
      readonly path: string;
      readonly kind: 'character-device';
      readonly major: number;
      readonly minor: number;
    };

const MODE = {
  folder: 0o040755,
  file: 0o100644,
  executable: 0o100755,
  'character-device': 0o020600,
} as const;

/** Folders must come before what is in them. Times and owners are zero: the same entries give the same bytes. */
export function cpioArchive(entries: readonly ArchiveEntry[]): Buffer {
  const pieces = entries.flatMap((entry, index) => encode(entry, index + 1));
  return Buffer.concat([...pieces, ...member('TRAILER!!!', { inode: 0, mode: 0 }, Buffer.alloc(0))]);
}

function encode(entry: ArchiveEntry, inode: number): Buffer[] {
  const empty = Buffer.alloc(0);
  switch (entry.kind) {
    case 'folder':
      return member(entry.path, { inode, mode: MODE.folder }, empty);
    case 'file':
      return member(
        entry.path,
        { inode, mode: entry.isExecutable === true ? MODE.executable : MODE.file },
        entry.content,
      );
    case 'character-device':
      return member(
        entry.path,
        { inode, mode: MODE['character-device'], major: entry.major, minor: entry.minor },
        empty,
      );
  }
}

interface Attributes {
  readonly inode: number;
  readonly mode: number;
  readonly major?: number;
  readonly minor?: number;
}

/** Header of 110 bytes, name with its NUL, content; name and content each end at a multiple of four. */
function member(path: string, { inode, mode, major = 0, minor = 0 }: Attributes, content: Buffer): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, major, minor, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [header, name, padding(header.length + name.length), content, padding(content.length)];
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
