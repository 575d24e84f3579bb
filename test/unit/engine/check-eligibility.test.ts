import { expect, it } from 'vitest';
import { checkEligibility, checkSnapshots, checkTransport } from '../../../src/engine/check-eligibility.ts';
import type { ServerItem, SnapshotItem } from '../../../src/sdk/scp-client-api.ts';

const SERVER: ServerItem = {
  id: 'v',
  name: 'erp-01',
  description: '',
  poolId: 'p',
  hostId: 'h',
  status: 'running',
  platform: 'hci',
  kind: 'vm',
  osName: '',
  isTurboMode: false,
  isRevertingDesktop: false,
  isInProtection: false,
  hasVmtools: true,
};
const snapshot = (type: string, at = 0): SnapshotItem => ({
  id: `s${at}`,
  name: `snap-${at}`,
  description: '',
  type,
  status: 'normal',
  isLatest: false,
});

it.each([{}, { status: 'stopped' }, { kind: 'derive' }])('lets an ordinary server pass (%j)', (change) => {
  expect(() => checkEligibility({ ...SERVER, ...change })).not.toThrow();
});

it.each([
  [{ platform: 'vmware' }, 'not on HCI'],
  [{ kind: 'placeholder' }, 'no ordinary'],
  [{ osName: 'Backup Proxy' }, 'backup proxy'],
  [{ isTurboMode: true }, 'turbo'],
  [{ isRevertingDesktop: true }, 'reverts'],
  [{ status: 'suspended' }, 'neither running nor shut down'],
])('refuses %j with a reason and a way out', (change, reason) => {
  expect(() => checkEligibility({ ...SERVER, ...change })).toThrow(
    expect.objectContaining({
      name: 'Refusal',
      message: expect.stringContaining(reason),
      hint: expect.stringMatching(/\w/),
    }),
  );
});

it('refuses internal snapshots, and a full list of storage snapshots, and nothing else', () => {
  const many = (type: string, count: number) => Array.from({ length: count }, (_, at) => snapshot(type, at));
  expect(() => checkSnapshots(SERVER, [snapshot('qcow2')])).toThrow('internal snapshot');
  expect(() => checkSnapshots(SERVER, many('vs', 48))).toThrow('48 snapshots');
  expect(() => checkSnapshots(SERVER, [...many('vs', 47), ...many('external_qcow2', 60)])).not.toThrow();
});

it('refuses a transport that the pool does not offer, naming those that it does', () => {
  expect(() => checkTransport(SERVER, 'nbdssl', ['nbd', 'nbd_ssl'])).not.toThrow();
  expect(() => checkTransport(SERVER, 'nbdssl', ['nbd'])).toThrow('offers nbd');
});
