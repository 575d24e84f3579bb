import { describe, expect, it } from 'vitest';
import { checkBackup, checkError, checkRestore } from '../../../harness/runner/expectations.ts';
import { parseDuration, parseSize } from '../../../harness/runner/quantities.ts';
import type { BackupResult, RestoreResult } from '../../../src/engine/engine-api.ts';

const backup: BackupResult = {
  pointId: 'p',
  kind: 'incremental',
  fullBecause: '',
  server: { id: 'i', name: 'vm1' },
  snapshotId: 's',
  checkpointId: '1',
  transport: 'hotadd',
  proxy: 'proxy-1',
  disks: [{ deviceId: 'ide0', sizeBytes: 100, method: 'changed-areas', readBytes: 50 }],
  durationMs: 60_000,
  renewals: 2,
  reconnects: 0,
  warnings: ['Removed a left-over snapshot'],
};

const restore: RestoreResult = {
  pointId: 'p',
  server: { id: 'i', name: 'vm1' },
  transport: 'nbdssl',
  disks: [{ deviceId: 'ide0', writtenBytes: 10, zeroBytes: 90 }],
  durationMs: 1,
  renewals: 0,
  warnings: [],
};

describe('expectations', () => {
  it('are met by a result that has all they ask for', () => {
    const expected = {
      kind: 'incremental',
      fullBecause: '',
      methods: { ide0: 'changed-areas' },
      readBytes: { ide0: { atLeast: 50, atMost: 50 } },
      renewals: { atLeast: 2 },
      reconnects: { exactly: 0 },
      warnings: ['left-over SNAPSHOT'],
      transport: 'hotadd',
      proxy: ['proxy-2', 'proxy-1'],
      takes: { atLeast: '1m', atMost: '60s' },
    } as const;
    expect(checkBackup(expected, backup)).toEqual([]);
  });

  it.each([
    [{ kind: 'full' }, 'a point of kind incremental'],
    [{ fullBecause: 'expired' }, '""'],
    [{ methods: { ide0: 'everything' } }, 'ide0 found by changed-areas'],
    [{ methods: { ide7: 'everything' } }, 'ide7 found by nothing: no such disk'],
    [{ readBytes: { ide0: { atMost: 49 } } }, '50'],
    [{ readBytes: { ide7: { atLeast: 0 } } }, '-1'],
    [{ renewals: { atLeast: 3 } }, '2'],
    [{ reconnects: { exactly: 1 } }, '0'],
    [{ transport: 'nbdssl' }, 'data path hotadd'],
    [{ proxy: 'proxy-2' }, 'proxy-1'],
    [{ proxy: ['proxy-2', 'proxy-3'] }, 'proxy-1'],
    [{ warnings: 'none' }, 'Removed a left-over snapshot'],
    [{ warnings: ['degraded'] }, 'Removed a left-over snapshot'],
    [{ takes: { atMost: '59s' } }, '60000'],
  ] as const)('are missed: %j', (expected, actual) => {
    expect(checkBackup(expected, backup).map((mismatch) => mismatch.actual)).toEqual([actual]);
  });

  it('look at restores too', () => {
    expect(checkRestore({ writtenBytes: { ide0: { exactly: 10 } } }, restore)).toEqual([]);
    expect(checkRestore({ writtenBytes: { ide0: { exactly: 11 } } }, restore)).toHaveLength(1);
    expect(checkRestore({ transport: 'nbdssl' }, restore)).toEqual([]);
    const partial = { ...restore, differential: true };
    expect(checkRestore({ differential: true, wholeBecause: '' }, partial)).toEqual([]);
    expect(checkRestore({ differential: false }, partial)).toEqual([
      { expected: 'a restore that is whole', actual: 'a restore that is differential' },
    ]);
    expect(checkRestore({ wholeBecause: 'expired' }, restore)).toEqual([
      { expected: 'whole because "expired"', actual: '""' },
    ]);
    expect(checkRestore({ transport: 'hotadd', proxy: 'proxy-1' }, restore)).toEqual([
      { expected: 'data path hotadd', actual: 'data path nbdssl' },
      { expected: 'proxy proxy-1', actual: 'no proxy' },
    ]);
  });

  it('find an error by class, code or words anywhere in its chain of causes', () => {
    const root = Object.assign(new RangeError('Medium error'), { code: 'EIO' });
    const error = new Error('transfer failed', { cause: root });
    expect(checkError({ name: 'RangeError', code: 'EIO', contains: 'medium' }, error)).toEqual([]);
    expect(checkError({ name: 'TypeError' }, error)).toHaveLength(1);
    expect(checkError({ code: 'ENOSPC' }, error)).toHaveLength(1);
    expect(checkError({ contains: 'network' }, error)[0]?.actual).toBe(
      'Error: transfer failed <- RangeError: Medium error',
    );
  });
});

describe('quantities', () => {
  it.each([
    ['512', 512],
    ['64KiB', 65_536],
    ['1MiB+512', 1_049_088],
    [7, 7],
    ['2TiB', 2 * 1024 ** 4],
  ])('reads the size %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each([
    ['500ms', 500],
    ['90s', 90_000],
    ['24h', 86_400_000],
  ])('reads the duration %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it('refuses what it can not read', () => {
    expect(() => parseSize('12 MB')).toThrow(RangeError);
    expect(() => parseDuration('1 week')).toThrow(RangeError);
  });
});
