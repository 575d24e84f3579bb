/** Who is in the timeline of a race: every actor, and what is common to all. */
import type { World } from '../../simulator/domain/world-api.ts';
import { type Cast, COMMON_LANES } from '../report/timeline-marks.ts';
import { actorsOf } from './race-actors.ts';

export function castOf(world: World): Cast {
  const actors = actorsOf(world);
  const servers = world.servers.list();
  const letters = new Map(actors.map(({ serverId, letter }) => [serverId, letter] as const));
  const disks = servers.flatMap((server) =>
    server.disks.map((disk) => ({ ...disk, serverName: server.name, letter: letters.get(server.id) })),
  );
  return {
    startMs: world.clock.now(),
    lanes: [
      ...actors.map(({ letter, serverName }) => ({
        key: letter,
        title: `${letter}: ${serverName}`,
        weight: 2,
      })),
      ...Object.values(COMMON_LANES),
    ],
    owners: new Map([
      ...letters,
      ...disks.flatMap(({ uuid, letter }): [string, string][] =>
        letter === undefined ? [] : [[uuid, letter]],
      ),
    ]),
    names: new Map([
      ...servers.map(({ id, name }) => [id, name] as const),
      ...disks.map(({ uuid, serverName, deviceId }) => [uuid, `${serverName}/${deviceId}`] as const),
    ]),
  };
}
