import type { Faker } from '@faker-js/faker';
import type { IdSource } from '../../src/kernel/ids.ts';
import type { Rng } from '../../src/kernel/rng.ts';

/** What every generator draws from. */
export interface Draw {
  readonly rng: Rng;
  readonly ids: IdSource;
  readonly faker: Faker;
}
