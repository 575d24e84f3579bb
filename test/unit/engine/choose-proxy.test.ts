import { describe, expect, it } from 'vitest';
import {
  hostsReaching,
  type ProxyNeed,
  type RankedProxy,
  rankProxies,
  whyUnfit,
} from '../../../src/engine/choose-proxy.ts';
import type { Datastore, ServerItem } from '../../../src/sdk/scp-client-api.ts';

const server: ServerItem = {
  id: 'vm',
  name: 'erp-01',
  description: '',
  poolId: 'pool',
  hostId: 'h1',
  status: 'running',
  platform: 'hci',
  kind: 'vm',
  osName: '',
  isTurboMode: false,
  isRevertingDesktop: false,
  isInProtection: false,
  hasVmtools: true,
};
const proxy = (change: Partial<ServerItem> = {}): ServerItem => ({
  ...server,
  id: 'p1',
  name: 'proxy-1',
  osName: 'Backup Proxy',
  ...change,
});
const need: ProxyNeed = { server, datastoreIds: ['d1'], allowed: [] };
const store = (id: string, hostIds: readonly string[]): Datastore => ({
  id,
  name: id,
  poolId: 'pool',
  status: 'normal',
  hostIds,
  freeMb: 1,
});
const hosts = ['h1', 'h2', 'h3'].map((id) => ({ id, ip: '', isRunning: id !== 'h3' }));

describe('hosts for a proxy', () => {
  const stores = [store('d1', ['h1', 'h2', 'h3']), store('d2', ['h2', 'h3'])];

  it('run and reach every datastore of the disks', () => {
    expect(hostsReaching(['d1'], stores, hosts)).toEqual(['h1', 'h2']);
    expect(hostsReaching(['d1', 'd2'], stores, hosts)).toEqual(['h2']);
  });

  it('are none when a datastore is unknown', () => {
    expect(hostsReaching(['d1', 'd9'], stores, hosts)).toEqual([]);
  });
});

describe('a server on such a host', () => {
  it.each<[string, Partial<ServerItem>, string | undefined]>([
    ['is a proxy that fits', {}, ''],
    ['may be off', { status: 'stopped' }, ''],
    ['may be starting', { status: 'starting' }, ''],
    ['is no proxy at all', { osName: '' }, undefined],
    ['is the very server', { id: 'vm' }, undefined],
    ['is in another pool', { poolId: 'other' }, 'proxy-1 is in another resource pool'],
    ['has no vmtools', { hasVmtools: false }, 'proxy-1 has no vmtools'],
    ['is in a state that does not pass', { status: 'suspended' }, 'proxy-1 is suspended'],
  ])('%s', (_title, change, expected) => {
    expect(whyUnfit(proxy(change), need)).toBe(expected);
  });

  it('is left out when others are named, by name or id', () => {
    expect(whyUnfit(proxy(), { ...need, allowed: ['proxy-2'] })).toBeUndefined();
    expect(whyUnfit(proxy(), { ...need, allowed: ['proxy-1'] })).toBe('');
    expect(whyUnfit(proxy(), { ...need, allowed: ['p1'] })).toBe('');
  });
});

describe('the best proxy', () => {
  const ranked = (id: string, change: Partial<RankedProxy> = {}): RankedProxy => ({
    id,
    name: id,
    status: 'running',
    jobs: 0,
    strikes: 0,
    ...change,
  });
  const best = (...proxies: RankedProxy[]): string | undefined => rankProxies(proxies)[0]?.id;

  it('has not failed, before all', () => {
    expect(best(ranked('a', { strikes: 1 }), ranked('b', { status: 'stopped', jobs: 9 }))).toBe('b');
  });

  it('runs already', () => {
    expect(best(ranked('a', { status: 'stopped' }), ranked('b', { jobs: 3 }))).toBe('b');
  });

  it('has the fewest jobs', () => {
    expect(best(ranked('a', { jobs: 2 }), ranked('b', { jobs: 1 }))).toBe('b');
  });

  it('comes first by name, then by id', () => {
    expect(best(ranked('y', { name: 'n' }), ranked('x', { name: 'n' }), ranked('a', { name: 'o' }))).toBe(
      'x',
    );
  });
});
