/** Servers that engines have made, for restores. */
import type { Call, Moment, Observation } from '../observation.ts';
import { callsOf, idAfter } from '../read-calls.ts';
import { textOf } from '../read-json.ts';
import { once } from './once.ts';

export interface NewServer extends Moment {
  readonly id: string;
  readonly server: string;
  readonly actor: string;
  /** Calls that ask for its end. */
  readonly deletedBy: readonly Call[];
  readonly end: Moment | undefined;
}

export const newServersOf = once((seen: Observation): readonly NewServer[] =>
  callsOf(seen, 'servers.create-from-config').flatMap(({ n, t, actor, reply }) => {
    const id = textOf(reply?.data, 'uuid');
    const isBorn = seen.states.some((state) => state.entity === 'server' && state.id === id && state.n > n);
    if (id === undefined || !isBorn) return [];
    const end = seen.states.find(
      (state) => state.entity === 'server' && state.id === id && state.to === 'deleted',
    );
    const deletedBy = callsOf(seen, 'servers.delete').filter((call) => idAfter(call, 'servers') === id);
    return [{ n, t, id, server: id, actor, deletedBy, end }];
  }),
);
