import { describe, expect, it } from 'vitest';
import { guestDiskSerial, nbdExportName, parseNbdExportName } from '../../../src/contract/assumed.ts';
import { envelopeOfPath, errorEnvelope, successEnvelope } from '../../../src/contract/envelope.ts';

describe('the envelope', () => {
  it.each([
    ['/janus/20180725/azs', 'V1'],
    ['/janus/20221230/azs', 'V1'],
    ['/janus/20240725', 'V2'],
    ['/janus/20240725/hosts', 'V2'],
    ['/janus/20250101/hosts', 'V2'],
    ['/janus/v20180725/images/i', 'V1'],
    ['/janus/v2/public-key', 'V1'],
    ['/hci/vt/api/v1/snapshots/s', 'V1'],
  ])('of %s is %s', (path, version) => {
    expect(envelopeOfPath(path)).toBe(version);
  });

  it('says its code as a number in V1 and as a string in V2', () => {
    expect(successEnvelope('V1', [])).toEqual({ code: 0, message: '', data: [] });
    expect(successEnvelope('V2', [])).toEqual({ errcode: '', message: '', data: [] });
    expect(errorEnvelope('V1', 404, 'no')).toEqual({ code: 404, message: 'no', data: {} });
    expect(errorEnvelope('V2', 404, 'no')).toEqual({ errcode: '404', message: 'no', data: {} });
  });
});

describe('the name of an NBD export', () => {
  it('is read back into its parts, colon and all', () => {
    expect(parseNbdExportName(nbdExportName('r1:r2', 'ide0'))).toEqual({
      resourceId: 'r1:r2',
      deviceId: 'ide0',
    });
  });

  it.each(['', 'r1', '/ide0', 'r1/'])('is not %o', (name) => {
    expect(parseNbdExportName(name)).toBeUndefined();
  });
});

describe('the serial number of a disk in a guest', () => {
  it('is what a virtio disk has room for: 20 characters', () => {
    expect(guestDiskSerial('019c7a10-1111-7a5d-9c51-0a1b2c3d4e5f')).toBe('019c7a10-1111-7a5d-9');
  });
});
