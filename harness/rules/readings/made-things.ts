/** Everything that engines have made on the platform, whatever it is. */
import type { Call, Moment, Observation } from '../observation.ts';
import { newServersOf } from './new-servers.ts';
import { once } from './once.ts';

export interface MadeThing extends Moment {
  readonly kind: 'snapshot' | 'backup resource' | 'hot-added disk' | 'server';
  readonly id: string;
  readonly actor: string;
  /** The server that it concerns. */
  readonly server: string;
  /** Calls of engines that ask for its end, in their order. */
  readonly deletedBy: readonly Call[];
  readonly end: Moment | undefined;
  readonly createdBy: Call | undefined;
}

export const madeThingsOf = once((seen: Observation): readonly MadeThing[] => [
  ...seen.snapshots.flatMap((life) => thing('snapshot', life)),
  ...seen.resources.flatMap((life) => thing('backup resource', life)),
  ...seen.hotAdded.flatMap((life) => thing('hot-added disk', { ...life, server: life.source })),
  ...newServersOf(seen).flatMap((life) => thing('server', { ...life, createdBy: undefined })),
]);

type Life = Omit<MadeThing, 'kind' | 'actor'> & { readonly actor: string | undefined };

function thing(kind: MadeThing['kind'], life: Life): MadeThing[] {
  const { n, t, id, actor, server, deletedBy, end, createdBy } = life;
  return actor === undefined ? [] : [{ kind, n, t, id, actor, server, deletedBy, end, createdBy }];
}
