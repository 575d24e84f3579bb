/** Lets planned faults spoil the pages of changed areas that a world answers with. */
import type { Json } from '../../src/kernel/journal.ts';
import { perWorld } from '../domain/per-world.ts';
import type { FaultPoint } from '../fault/fault-api.ts';
import { type AreaPage, canSpoil, PAGE_FAULT_KINDS, spoilPage } from '../fault/page-faults.ts';
import type { RawCall } from './call.ts';
import type { ApiWorld } from './world-directory.ts';

/** The last page of each disk and checkpoint, as it was before it was spoiled. */
const lastPages = perWorld<Map<string, AreaPage>>();

export function spoilPages({ world, faults }: ApiWorld, point: FaultPoint, raw: RawCall, data: Json): Json {
  const pages = lastPages(world, () => new Map());
  const { disk_id, snapshot_id, checkpoint_id } = raw.query;
  const key = [point.serverId, disk_id, snapshot_id, checkpoint_id].join(' ');
  // The handler of this operation answers with nothing else.
  const page = data as unknown as AreaPage;
  const context = { grainBytes: world.settings.granularityBytes, before: pages.get(key) };
  pages.set(key, page);
  const canStrike: FaultPoint['canStrike'] = (fault) => canSpoil(fault, page, context);
  const struck = faults.strike({ ...point, can: PAGE_FAULT_KINDS, canStrike });
  return struck.reduce<AreaPage>(
    (spoiled, fault) => spoilPage(fault, spoiled, context),
    page,
  ) as unknown as Json;
}
