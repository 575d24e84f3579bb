import { describe, expect, it } from 'vitest';
import { API_ERRORS, ApiError, type ApiErrorCode } from '../../../src/contract/errors.ts';
import { refusalOfText, retryClassOfText } from '../../../src/sdk/refusals.ts';
import {
  isDiskNotAttached,
  isHotAddConflict,
  isNotFound,
  refusalOfError,
  retryClassOfError,
  ScpError,
  TaskFailed,
} from '../../../src/sdk/scp-error.ts';

const codes = Object.keys(API_ERRORS) as ApiErrorCode[];
const failedTask = (description: string) =>
  new TaskFailed({ id: 't', action: 'Hot-add disks', status: 'failure', description });
const refused = (code: ApiErrorCode) =>
  new ScpError('hot-add.add', {
    status: API_ERRORS[code].status,
    code: '400',
    message: API_ERRORS[code].message,
  });

describe('the text of a refusal', () => {
  it.each(codes)('of %s is known, with details or without', (code) => {
    expect(refusalOfText(new ApiError(code).message)).toBe(code);
    expect(refusalOfText(new ApiError(code, 'proxy-1').message)).toBe(code);
    expect(retryClassOfText(new ApiError(code, 'proxy-1').message)).toBe(API_ERRORS[code].retry);
  });

  it('that nobody documented is none of the known', () => {
    expect(refusalOfText('The moon is full.')).toBeUndefined();
    expect(refusalOfText('')).toBeUndefined();
  });
});

describe('a race of two HotAdd calls', () => {
  it('is seen in the failed task, and may be tried again after a while', () => {
    const error = failedTask(new ApiError('HOTADD_CONFLICT', 'proxy-1').message);
    expect(isHotAddConflict(error)).toBe(true);
    expect(retryClassOfError(error)).toBe('after-delay');
  });

  it('is seen in a refused call too', () => {
    expect(isHotAddConflict(refused('HOTADD_CONFLICT'))).toBe(true);
  });

  it.each(codes.filter((code) => code !== 'HOTADD_CONFLICT'))('is not taken for %s', (code) => {
    expect(isHotAddConflict(refused(code))).toBe(false);
    expect(isHotAddConflict(failedTask(API_ERRORS[code].message))).toBe(false);
  });

  it('is not seen in what is no refusal', () => {
    expect(isHotAddConflict(new Error(API_ERRORS.HOTADD_CONFLICT.message))).toBe(false);
    expect(refusalOfError(undefined)).toBeUndefined();
  });
});

describe('a disk that is not attached any more', () => {
  it('is told from a server that is not there', () => {
    expect(isDiskNotAttached(refused('DISK_NOT_ATTACHED'))).toBe(true);
    expect(isDiskNotAttached(failedTask(API_ERRORS.DISK_NOT_ATTACHED.message))).toBe(true);
    expect(isDiskNotAttached(refused('NOT_FOUND'))).toBe(false);
    expect(isNotFound(refused('DISK_NOT_ATTACHED'))).toBe(false);
  });
});

describe('what does not exist', () => {
  it.each(['NOT_FOUND', 'RESOURCE_GONE'] as const)('is the thing of the call, for %s', (code) => {
    expect(isNotFound(refused(code))).toBe(true);
  });

  it('is not the thing when an older platform does not know the call', () => {
    expect(isNotFound(refused('UNKNOWN_PATH'))).toBe(false);
  });

  it('is what nobody documented says with a status', () => {
    const unknown = { status: 404, code: '404', message: 'gone fishing' };
    expect(isNotFound(new ScpError('servers.get', unknown))).toBe(true);
  });
});
