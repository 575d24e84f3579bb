/** The platform itself: version, region, and the answer to a login. */
import { formatUtc } from '../../../src/contract/timestamps.ts';
import type { Token, World } from '../../domain/world-api.ts';
import { platformVersion } from '../authorize.ts';
import { PROJECT, stableHex, stableUuid } from './derived.ts';

const BUILD_DAY = '2026-01-09';

export const systemVersion = (world: World) => ({
  build_version: `SCP${platformVersion(world)}_R1-${BUILD_DAY}-10:11:12`,
  custom_version: [],
});

export function platform(world: World) {
  const ip = world.clusters[0]?.ip ?? '127.0.0.1';
  return {
    version: `SCP${platformVersion(world)}`,
    build_time: `${BUILD_DAY} 10:11:12`,
    manage_mode: 'privatecloud',
    access_scc: 0,
    region_info: {
      region_id: 'regionOne',
      region_name: 'regionOne',
      region_url: `${ip}:4430`,
      parent_region: '',
    },
    dcluster_info: { mode: 'single', cluster_ip: ip, cluster_port: '4430', leader_ip: ip },
  };
}

export function tokenAnswer({ id, credential, issuedAtMs, expiresAtMs }: Token) {
  const { username, role } = credential;
  return {
    access: {
      token: {
        id,
        issued_at: formatUtc(issuedAtMs),
        expires: formatUtc(expiresAtMs),
        tenant: { id: PROJECT.id, name: PROJECT.name, description: '', enabled: true },
        audit_ids: [stableHex(id, 22)],
      },
      user: {
        id: stableUuid(`user ${username}`),
        username,
        name: username,
        roles_links: [],
        roles: [{ name: role }],
      },
    },
  };
}
