import { describe, expect, it } from 'vitest';
import { parseHciHotAdd, parseHotAdd, refuseTwice } from '../../../simulator/http/handlers/parse-hot-add.ts';

const clone = {
  disk_id: 'd1',
  application_type: 'backup',
  snapshot_id: 's1',
  source_server_id: 'v1',
} as const;

describe('the disks of a HotAdd call', () => {
  it('are read in their order', () => {
    expect(
      parseHotAdd({ disks: [clone, { disk_id: 'd2', application_type: 'restore' }, { disk_id: 'd3' }] }),
    ).toEqual([
      { diskId: 'd1', purpose: 'backup', snapshotId: 's1', sourceServerId: 'v1' },
      { diskId: 'd2', purpose: 'restore' },
      { diskId: 'd3', purpose: 'normal' },
    ]);
  });

  it('are the same under the names of HCI', () => {
    const disks = [{ diskId: 'd1', applicationType: 'backup', snapshotId: 's1', sourceVmId: 'v1' }] as const;
    expect(parseHciHotAdd({ disks })).toEqual(parseHotAdd({ disks: [clone] }));
  });

  it('take an empty snapshot or server as none', () => {
    const disk = {
      disk_id: 'd1',
      application_type: 'restore',
      snapshot_id: '',
      source_server_id: '',
    } as const;
    expect(parseHotAdd({ disks: [disk] })).toEqual([{ diskId: 'd1', purpose: 'restore' }]);
  });

  it.each([
    ['a disk twice', [clone, { ...clone, snapshot_id: 's2' }], 'disks.1.disk_id: d1 is there twice'],
    [
      'a clone of no snapshot',
      [{ ...clone, snapshot_id: '' }],
      'disks.0.snapshot_id: is required for a disk that is added for backup',
    ],
    [
      'a snapshot of a disk that is itself attached',
      [clone, { ...clone, disk_id: 'd2', application_type: 'restore' }],
      'disks.1.snapshot_id: goes with a disk that is added for backup',
    ],
  ] as const)('are refused with %s', (_what, disks, detail) => {
    expect(() => parseHotAdd({ disks })).toThrow(
      expect.objectContaining({ code: 'INVALID_PARAMETER', detail }),
    );
  });

  it('are refused with the field\u2019s name in HCI', () => {
    const disks = [{ diskId: 'd1', applicationType: 'backup' }] as const;
    expect(() => parseHciHotAdd({ disks })).toThrow('disks.0.snapshotId: is required');
  });
});

describe('ids to remove', () => {
  it('come back as they are', () => {
    expect(refuseTwice('disk_ids', ['a', 'b'])).toEqual(['a', 'b']);
  });

  it('are refused when one is there twice', () => {
    expect(() => refuseTwice('disk_ids', ['a', 'b', 'a'])).toThrow('disk_ids.2: a is there twice');
  });
});
