import { describe, expect, it } from 'vitest';
import { ASSUMED_PATHS } from '../../../src/contract/assumed.ts';
import { isKnownCall, KNOWN_PATHS } from '../../../src/contract/known-paths.ts';
import { OPERATION_NAMES, operationOf, operationPath } from '../../../src/contract/operations.ts';

const calls = OPERATION_NAMES.flatMap((name) =>
  operationOf(name).paths.map((path) => ({ name, path, method: operationOf(name).method })),
);

describe('the table of operations', () => {
  it('has every method and path once', () => {
    const seen = calls.map(({ method, path }) => `${method} ${path.replace(/\{\w+\}/g, '{}')}`);
    expect(seen.length).toBeGreaterThan(50);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('calls documented what the document has, under the first path of the row', () => {
    const strangers = OPERATION_NAMES.map(operationOf).filter(
      ({ method, paths: [path], fidelity }) => fidelity === 'documented' && !isKnownCall(method, path),
    );
    // Documented in the 6.11.3 guide, after the document of paths.
    expect(strangers.map(({ paths: [path] }) => path)).toEqual(['/janus/v2/authenticate']);
  });

  it('serves no assumed path as documented', () => {
    for (const path of Object.values(ASSUMED_PATHS))
      expect(KNOWN_PATHS.some((line) => line.endsWith(` ${path}`))).toBe(false);
  });

  it('fills parameters in and encodes them', () => {
    const path = operationPath('backup-resources.get', { backup_resources_id: 'a:b/c' });
    expect(path).toBe('/janus/20180725/backup-resources/a%3Ab%2Fc');
  });

  it('picks the path of a date', () => {
    expect(operationPath('servers.list', {}, '20190725')).toBe('/janus/20190725/servers');
    expect(() => operationPath('servers.list', {}, '19990101')).toThrow(RangeError);
  });

  it('refuses a missing parameter', () => {
    expect(() => operationPath('servers.get')).toThrow('servers.get needs server_id');
  });
});

describe('the known paths', () => {
  it('are those of the document', () => {
    expect(KNOWN_PATHS).toHaveLength(88);
  });

  it('tell methods and paths apart', () => {
    expect(isKnownCall('GET', '/janus/20180725/volumes')).toBe(true);
    expect(isKnownCall('DELETE', '/janus/20180725/volumes')).toBe(false);
    expect(isKnownCall('DELETE', '/janus/20180725/volumes/v-1')).toBe(true);
    expect(isKnownCall('POST', ASSUMED_PATHS.hotAdd)).toBe(false);
    expect(isKnownCall('GET', '/janus/20180725/volumes/v-1/more')).toBe(false);
  });
});
