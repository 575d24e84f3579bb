/**
 * Where things are in a repository.
 *
 *   points/<point id>.json            manifests; a point exists exactly when its manifest does
 *   chunks/<2 hex>/<64 hex>           chunks by SHA-256 of their plain bytes
 *   notes/<escaped key>.json          notes of the engines
 *   locks/<role>-<expiry>-<id>.json   who is at work, see `lock.ts`
 *   tmp/<owner>-<n>.part              files before their rename; garbage as soon as nobody is at work
 */
export const POINTS = 'points';
export const CHUNKS = 'chunks';
export const NOTES = 'notes';
export const LOCKS = 'locks';
export const TEMPORARIES = 'tmp';

const JSON_ENDING = '.json';

export function chunkFolder(hash: string): string {
  return `${CHUNKS}/${hash.slice(0, 2)}`;
}

export function chunkPath(hash: string): string {
  return `${chunkFolder(hash)}/${hash}`;
}

export function pointPath(id: string): string {
  return `${POINTS}/${id}${JSON_ENDING}`;
}

/** Whether a file under `chunks` is a chunk. A sweep touches nothing else, in case the folder was not ours alone. */
export function isChunkName(name: string): boolean {
  return /^([0-9a-f]{2})\/\1[0-9a-f]{62}$/.test(name);
}

/** `owner` is 12 hex digits or `note`. */
export function temporaryPath(owner: string, what: number | string): string {
  return `${TEMPORARIES}/${owner}-${what}.part`;
}

export function isTemporaryName(name: string): boolean {
  return /^([0-9a-f]{12}|note)-[0-9a-z]+\.part$/.test(name);
}

/** The key of a document by its file name; undefined when the name is not one of ours. */
export function nameOfDocument(file: string): string | undefined {
  return file.endsWith(JSON_ENDING) && !file.includes('/') ? file.slice(0, -JSON_ENDING.length) : undefined;
}

/** Escaped so that any key is one file name on any file system that tells cases apart. */
export function notePath(key: string): string {
  return `${NOTES}/${encodeURIComponent(key)}${JSON_ENDING}`;
}
