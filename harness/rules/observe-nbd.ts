/** NBD connections with their requests and replies. */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import type { NbdConnection, NbdRequest, ResourceLife } from './observation.ts';

type Entry<Type extends JournalEntry['type']> = Extract<JournalEntry, { type: Type }>;
type Growing<T> = { -readonly [Key in keyof T]: T[Key] };

interface Open extends Omit<Growing<NbdConnection>, 'options' | 'requests'> {
  readonly options: Entry<'nbd.option'>[];
  readonly requests: Growing<NbdRequest>[];
  readonly unanswered: Map<number, Growing<NbdRequest>>;
}

export interface NbdIndex {
  readonly open: (entry: Entry<'nbd.open'>) => void;
  readonly option: (entry: Entry<'nbd.option'>) => void;
  readonly request: (entry: Entry<'nbd.request'>) => void;
  readonly reply: (entry: Entry<'nbd.reply'>) => void;
  readonly close: (entry: Entry<'nbd.close'>) => void;
  /** Those of the judged engines, and those of which nobody knows whose they are. */
  readonly connections: (resources: readonly ResourceLife[]) => readonly NbdConnection[];
}

export function createNbdIndex(): NbdIndex {
  const all = new Map<number, Open>();
  return {
    open({ n, t, connection, address }) {
      all.set(connection, {
        ...UNKNOWN,
        n,
        t,
        connection,
        address,
        options: [],
        requests: [],
        unanswered: new Map(),
      });
    },
    option(entry) {
      const known = all.get(entry.connection);
      known?.options.push(entry);
      const opens = entry.option === 'GO' || entry.option === 'EXPORT_NAME';
      if (known === undefined || !opens || entry.reply !== 'ACK' || entry.export === undefined) return;
      known.export = entry.export;
      known.device = entry.export.slice(entry.export.lastIndexOf('/') + 1);
      known.isTls = entry.isTls;
    },
    request({ n, t, connection, request, command, flags, offset, length }) {
      const known = all.get(connection);
      const asked = { n, t, request, command, flags, offset, length, reply: undefined };
      known?.requests.push(asked);
      known?.unanswered.set(request, asked);
    },
    reply({ n, t, connection, request, error, bytes }) {
      const known = all.get(connection);
      const asked = known?.unanswered.get(request);
      if (known === undefined || asked === undefined) return;
      asked.reply = { n, t, error, bytes };
      known.unanswered.delete(request);
    },
    close({ n, t, connection, why }) {
      const known = all.get(connection);
      if (known === undefined) return;
      known.end = { n, t };
      known.endedWhy = why;
    },
    connections(resources) {
      const byId = new Map(resources.map((resource) => [resource.id, resource]));
      return [...all.values()]
        .map((connection) => ({ ...connection, resource: byId.get(resourceIn(connection.export)) }))
        .filter(({ resource }) => resource === undefined || resource.actor !== undefined);
    },
  };
}

const UNKNOWN = {
  export: undefined,
  isTls: false,
  resource: undefined,
  device: undefined,
  end: undefined,
  endedWhy: '',
} as const;

function resourceIn(exportName: string | undefined): string {
  return exportName?.slice(0, exportName.lastIndexOf('/')) ?? '';
}
