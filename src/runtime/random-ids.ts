/** Identifiers that nobody can guess, for work against a live cluster. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { IdSource } from '../kernel/ids.ts';

export function createRandomIds(): IdSource {
  return {
    uuid: () => randomUUID(),
    hex: (length) =>
      randomBytes(Math.ceil(length / 2))
        .toString('hex')
        .slice(0, length),
  };
}
