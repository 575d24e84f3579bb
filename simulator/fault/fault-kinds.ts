/** The vocabulary of faults. `docs/faults.md` is made from it, and so are the words of scenario files. */
import type { FaultKind } from './fault-api.ts';
import { GENERAL_KINDS, REST_KINDS } from './kinds/general-kinds.ts';
import { GUEST_KINDS } from './kinds/guest-kinds.ts';
import { NBD_KINDS } from './kinds/nbd-kinds.ts';
import { PAGE_KINDS } from './kinds/page-kinds.ts';
import { TASK_KINDS } from './kinds/task-kinds.ts';
import { WORLD_KINDS } from './kinds/world-kinds.ts';
import type { KindRow } from './kind-row.ts';

/** Every fault there is. The order is the order in which they are listed to people. */
export const FAULT_KINDS = {
  ...GENERAL_KINDS,
  ...REST_KINDS,
  ...PAGE_KINDS,
  ...WORLD_KINDS,
  ...TASK_KINDS,
  ...NBD_KINDS,
  ...GUEST_KINDS,
} as const satisfies Record<FaultKind['kind'], KindRow>;

export const FAULT_KIND_NAMES = Object.keys(FAULT_KINDS) as readonly FaultKind['kind'][];

export function kindRowOf(kind: FaultKind['kind']): KindRow {
  return FAULT_KINDS[kind];
}
