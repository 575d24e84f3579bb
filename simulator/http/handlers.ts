/** What each call does. A handler turns a checked call into calls of the world, and its answer into a view. */
import type { HandlersOf, WorldOperation } from './call.ts';
import { BACKUP_HANDLERS } from './handlers/backup.ts';
import { HOT_ADD_HANDLERS } from './handlers/hot-add.ts';
import { INVENTORY_HANDLERS } from './handlers/inventory.ts';
import { LOGIN_HANDLERS } from './handlers/login.ts';
import { SERVER_HANDLERS } from './handlers/servers.ts';
import { SNAPSHOT_HANDLERS } from './handlers/snapshots.ts';

export const HANDLERS: HandlersOf<WorldOperation> = {
  ...LOGIN_HANDLERS,
  ...INVENTORY_HANDLERS,
  ...SERVER_HANDLERS,
  ...SNAPSHOT_HANDLERS,
  ...BACKUP_HANDLERS,
  ...HOT_ADD_HANDLERS,
};
