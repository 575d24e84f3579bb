/** What a watched product still has to show, in the order in which a person would do it. */
import type { Capability } from '../driver/capabilities.ts';
import type { Observation } from '../rules/observation.ts';
import { findBackups, findRestores, type SeenTransport } from './seen-jobs.ts';

export interface ChecklistItem {
  /** What the person is to do. */
  readonly text: string;
  readonly isSeen: boolean;
}

export interface ChecklistOptions {
  /** Absent: the product declares nothing, and is asked for what every product can do. */
  readonly capabilities?: ReadonlySet<Capability>;
  /** Names by id. */
  readonly nameOf: (server: string) => string;
  /** The server that the person is to work with. */
  readonly server: string;
}

const TRANSPORTS: readonly SeenTransport[] = ['nbd', 'nbdssl', 'hotadd'];
const PATH_WORDS = { nbd: 'over NBD', nbdssl: 'over NBD with TLS', hotadd: 'through the proxy' } as const;

export function checklistOf(seen: Observation, options: ChecklistOptions): readonly ChecklistItem[] {
  const { capabilities, nameOf, server } = options;
  const has = (name: Capability): boolean => capabilities?.has(name) ?? true;
  const backups = findBackups(seen);
  const restores = findRestores(seen);
  const isOf = (one: { readonly server: string }): boolean => nameOf(one.server) === server;
  const item = (text: string, isSeen: boolean): ChecklistItem => ({ text, isSeen });
  const declared = TRANSPORTS.filter((name) => capabilities?.has(name) === true);
  return [
    item(
      'log in',
      seen.calls.some(({ reply }) => reply !== undefined && reply.status < 300),
    ),
    item(
      `take a full backup of ${server}`,
      backups.some((one) => isOf(one) && !one.isIncremental),
    ),
    ...(has('incremental')
      ? [
          item(
            `take an incremental backup of ${server}`,
            backups.some((one) => isOf(one) && one.isIncremental),
          ),
        ]
      : []),
    ...(has('restore-new')
      ? [
          item(
            'restore it to a new server',
            restores.some(({ isNew }) => isNew),
          ),
        ]
      : []),
    ...(capabilities?.has('restore-original') === true
      ? [
          item(
            `power ${server} off and restore over it`,
            restores.some((one) => isOf(one) && !one.isNew),
          ),
        ]
      : []),
    ...declared.map((path) =>
      item(
        `take a backup ${PATH_WORDS[path]}`,
        backups.some(({ transport }) => transport === path),
      ),
    ),
  ];
}
