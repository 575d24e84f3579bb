import { describe, expect, it } from 'vitest';
import { createFaults } from '../../../simulator/fault/registry.ts';
import type { FaultSpec, Faults } from '../../../simulator/fault/fault-api.ts';
import { ApiError } from '../../../src/contract/errors.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { Journal } from '../../../src/kernel/journal.ts';
import { createRng } from '../../../src/kernel/rng.ts';

const QUERY = { on: 'cbt.changed-areas', serverId: 'id-1', serverName: 'web', deviceId: 'ide0' };
const DELAY = { kind: 'delay', ms: 5, when: 'before' } as const;

function makeFaults(): { faults: Faults; journal: Journal; clock: { ms: number } } {
  const clock = { ms: 7 };
  const journal = new Journal({ now: () => clock.ms });
  const ids = createIdSource(createRng('faults'));
  const resolve = (server: string) => (server === 'web' ? 'id-1' : undefined);
  return { faults: createFaults({ journal, ids, resolve, now: () => clock.ms }), journal, clock };
}

const strikes = (faults: Faults, times: number): number[] =>
  Array.from({ length: times }, () => faults.strike(QUERY).length);

describe('planned faults', () => {
  it('strikes once at the first match when nothing else is said', () => {
    const { faults } = makeFaults();
    faults.add({ ...DELAY, on: 'cbt.changed-areas' });
    expect(strikes(faults, 3)).toEqual([1, 0, 0]);
    expect(faults.list()).toMatchObject([{ seen: 3, fired: 1 }]);
  });

  it('lets the first matches pass and then strikes as often as planned', () => {
    const { faults } = makeFaults();
    faults.add({ ...DELAY, on: 'cbt.changed-areas', after: 2, times: 2 });
    expect(strikes(faults, 6)).toEqual([0, 0, 1, 1, 0, 0]);
  });

  it('strikes for ever when times is 0', () => {
    const { faults } = makeFaults();
    faults.add({ ...DELAY, on: 'cbt.changed-areas', times: 0 });
    expect(strikes(faults, 4)).toEqual([1, 1, 1, 1]);
  });

  it('returns every fault that strikes, in the order in which they were planned', () => {
    const { faults } = makeFaults();
    faults.add({ ...DELAY, on: '*' });
    faults.add({ kind: 'lose-reply', on: 'cbt.changed-areas' });
    expect(faults.strike(QUERY).map(({ kind }) => kind)).toEqual(['delay', 'lose-reply']);
  });

  it.each([
    [{ on: 'tasks.get' }, false],
    [{ on: '*' }, true],
    [{ on: 'cbt.changed-areas', server: 'id-1' }, true],
    [{ on: 'cbt.changed-areas', server: 'web' }, true],
    [{ on: 'cbt.changed-areas', server: 'other' }, false],
    [{ on: 'cbt.changed-areas', device: 'ide0' }, true],
    [{ on: 'cbt.changed-areas', device: 'ide1' }, false],
  ])('matches %o: %s', (place, isMatch) => {
    const { faults } = makeFaults();
    faults.add({ ...DELAY, ...place });
    expect(strikes(faults, 1)).toEqual([isMatch ? 1 : 0]);
  });

  it('finds a server by name where the point knows only its id', () => {
    const { faults } = makeFaults();
    faults.add({ kind: 'drop-after-bytes', bytes: 9, on: 'nbd', server: 'web' });
    expect(faults.strike({ on: 'nbd', serverId: 'id-1' })).toHaveLength(1);
  });

  it('leaves the data plane alone when it means every operation', () => {
    const { faults } = makeFaults();
    faults.add({ ...DELAY, on: '*' });
    expect(faults.strike({ on: 'nbd', serverId: 'id-1' })).toEqual([]);
    expect(faults.list()[0]?.seen).toBe(0);
  });

  it('leaves guests alone when it means every operation', () => {
    const { faults } = makeFaults();
    faults.add({ ...DELAY, on: '*' });
    expect(faults.strike({ on: 'guest', serverId: 'id-1' })).toEqual([]);
  });

  it('neither counts nor fires a fault whose moment has not come', () => {
    const { faults } = makeFaults();
    faults.add({ kind: 'device-vanishes', bytes: 9, on: 'guest' });
    expect(faults.strike({ on: 'guest', isNow: () => false })).toEqual([]);
    expect(faults.list()[0]).toMatchObject({ seen: 0, fired: 0 });
    expect(faults.strike({ on: 'guest', isNow: ({ kind }) => kind === 'device-vanishes' })).toHaveLength(1);
  });

  it('neither counts nor fires a fault that the point cannot carry out', () => {
    const { faults } = makeFaults();
    faults.add({ kind: 'drop-after-bytes', bytes: 9, on: 'nbd' });
    expect(faults.strike({ on: 'nbd', can: ['bad-certificate'] })).toEqual([]);
    expect(faults.list()[0]).toMatchObject({ seen: 0, fired: 0 });
  });

  it.each([
    [{ resource: 'r-1' }, true],
    [{ resource: 'r-2' }, false],
    [{ actor: 'AK1' }, true],
    [{ actor: 'AK2' }, false],
    [{ connection: 3 }, true],
    [{ connection: 4 }, false],
  ])('matches only what it is narrowed to, %o: %s', (place, isMatch) => {
    const { faults } = makeFaults();
    faults.add({ kind: 'lose-reply', on: 'nbd', ...place });
    const point = { on: 'nbd', resourceId: 'r-1', actor: 'AK1', connection: 3 };
    expect(faults.strike(point)).toHaveLength(isMatch ? 1 : 0);
    expect(faults.strike({ on: 'nbd' })).toEqual([]);
  });

  it('goes on for its time after one strike, at every operation when the whole API is unavailable', () => {
    const { faults, clock } = makeFaults();
    faults.add({ kind: 'unavailable', ms: 100, on: 'cbt.changed-areas' });
    expect(faults.strike({ on: 'tasks.get' })).toEqual([]);
    expect(strikes(faults, 2)).toEqual([1, 1]);
    clock.ms += 99;
    expect(faults.strike({ on: 'tasks.get' })).toHaveLength(1);
    expect(faults.strike({ on: 'nbd' })).toEqual([]);
    clock.ms += 1;
    expect(faults.strike({ on: 'tasks.get' })).toEqual([]);
    expect(strikes(faults, 1)).toEqual([0]);
    expect(faults.list()[0]?.fired).toBe(1);
  });

  it('limits only the calls that match, for its time', () => {
    const { faults, clock } = makeFaults();
    faults.add({ kind: 'rate-limited', ms: 100, on: 'cbt.changed-areas', device: 'ide0' });
    expect(strikes(faults, 2)).toEqual([1, 1]);
    expect(faults.strike({ on: 'tasks.get' })).toEqual([]);
    expect(faults.strike({ ...QUERY, deviceId: 'ide1' })).toEqual([]);
    clock.ms += 100;
    expect(strikes(faults, 1)).toEqual([0]);
  });

  it('waits for the next match while there is nothing to strike, and counts what it has seen', () => {
    const { faults } = makeFaults();
    faults.add({ kind: 'proxy-crash', on: '*', after: 1 });
    const strike = (canStrike: () => boolean) => faults.strike({ ...QUERY, canStrike }).length;
    expect([strike(() => true), strike(() => false), strike(() => true), strike(() => true)]).toEqual([
      0, 0, 1, 0,
    ]);
    expect(faults.list()[0]).toMatchObject({ seen: 4, fired: 1 });
  });

  it('tells of faults that are planned, those that are already first', () => {
    const { faults } = makeFaults();
    const told: string[] = [];
    faults.add({ kind: 'lose-reply', on: '*', id: 'early' });
    faults.onPlanned(({ id }) => told.push(id));
    faults.add({ kind: 'lose-reply', on: '*', id: 'late' });
    expect(told).toEqual(['early', 'late']);
  });

  it('ends what lasts when it is cleared, and says so', () => {
    const { faults } = makeFaults();
    const told: string[] = [];
    faults.onCleared((id) => told.push(id));
    faults.add({ kind: 'unavailable', ms: 100, on: '*', id: 'away' });
    faults.add({ kind: 'lose-reply', on: 'nbd', id: 'lost' });
    expect(strikes(faults, 1)).toEqual([1]);
    faults.clear('away');
    expect(strikes(faults, 1)).toEqual([0]);
    faults.clear();
    expect(told).toEqual(['away', 'lost']);
  });

  it('writes each strike to the journal with its number', () => {
    const { faults, journal } = makeFaults();
    faults.add({ ...DELAY, on: '*', times: 2, id: 'slow' });
    strikes(faults, 3);
    expect(journal.entries).toEqual([
      {
        n: 0,
        t: 7,
        type: 'fault.fired',
        fault: 'slow',
        kind: 'delay',
        at: 'cbt.changed-areas id-1 ide0',
        count: 1,
      },
      {
        n: 1,
        t: 7,
        type: 'fault.fired',
        fault: 'slow',
        kind: 'delay',
        at: 'cbt.changed-areas id-1 ide0',
        count: 2,
      },
    ]);
  });

  it('forgets a cleared fault and keeps the others', () => {
    const { faults } = makeFaults();
    const first = faults.add({ ...DELAY, on: '*' });
    faults.add({ ...DELAY, on: '*', id: 'kept' });
    faults.clear(first.id);
    expect(faults.list().map(({ id }) => id)).toEqual(['kept']);
    faults.clear();
    expect(faults.list()).toEqual([]);
  });

  it('refuses an id that is taken, and to clear one that does not exist', () => {
    const { faults } = makeFaults();
    faults.add({ ...DELAY, on: '*', id: 'one' });
    expect(() => faults.add({ ...DELAY, on: '*', id: 'one' })).toThrow('planned already');
    expect(() => faults.clear('two')).toThrow(ApiError);
  });

  it.each([
    [null, 'a fault is an object'],
    [[], 'a fault is an object'],
    [{ on: '*' }, 'kind: must be one of error, lose-reply'],
    [{ kind: 'constructor', on: '*' }, 'kind: must be one of'],
    [{ kind: 'delay', ms: 1, when: 'before' }, 'on: is missing'],
    [{ kind: 'delay', on: '*' }, 'ms: is missing; when: is missing'],
    [{ kind: 'delay', on: '*', ms: -1, when: 'later' }, 'ms: must be an integer'],
    [{ kind: 'delay', on: '*', ms: 1.5, when: 'before' }, 'ms: must be an integer'],
    [{ kind: 'lose-reply', on: '*', times: Number.NaN }, 'times: must be an integer'],
    [{ kind: 'lose-reply', on: '*', byets: 3 }, 'byets: is not a field of this fault'],
    [{ kind: 'error', on: '*', status: 200, message: 'x' }, 'status: must be an integer from 400 to 599'],
    [{ kind: 'drop-after-bytes', on: 'cbt.changed-areas', bytes: 1 }, 'strikes only at "nbd"'],
    [{ kind: 'cbt-expired', on: 'nbd' }, 'strikes at REST operations only'],
    [{ kind: 'bad-certificate', flaw: 'expired', on: 'nbd', server: 'web' }, 'server: not for this fault'],
    [{ kind: 'refuse', on: '*', code: 'NO_SUCH_ERROR' }, 'code: must be one of INVALID_PARAMETER'],
    [{ kind: 'unavailable', on: '*', ms: 0 }, 'ms: must be an integer from 1'],
    [{ kind: 'lose-reply', on: '*', connection: 1 }, 'connection: only for faults on nbd'],
    [{ kind: 'restart', on: 'lease' }, 'atRemaining: faults on lease need it'],
    [{ kind: 'restart', on: 'nbd', atRemaining: 3 }, 'atRemaining: faults on lease need it'],
    [{ kind: 'lose-reply', on: 'lease', atRemaining: 3 }, 'on: this fault strikes only at "rest"'],
    [{ kind: 'device-never', on: 'nbd' }, 'on: this fault strikes only at "guest"'],
    [{ kind: 'drop-after-bytes', on: 'guest', bytes: 1 }, 'on: this fault strikes only at "nbd"'],
    [
      { kind: 'garbage-reply', on: 'guest' },
      'on: this fault strikes at REST operations only, not at "guest"',
    ],
    [{ kind: 'device-late', on: 'guest', ms: 0 }, 'ms: must be an integer from 1'],
    [{ kind: 'device-serial', on: 'guest', characters: 37 }, 'characters: must be an integer from 0 to 36'],
    [{ kind: 'device-vanishes', on: 'guest' }, 'bytes: is missing'],
    [{ kind: 'detach-hangs', on: 'guest', ms: 'long' }, 'ms: must be an integer from 0'],
    [{ kind: 'detach-early', on: 'guest', ms: 0 }, 'ms: must be an integer from 1'],
    [{ kind: 'device-order', on: 'guest', device: 'ide0' }, 'device: not for this fault'],
  ])('refuses %j', (spec, message) => {
    const { faults } = makeFaults();
    expect(() => faults.add(spec as unknown as FaultSpec)).toThrow(message);
    expect(faults.list()).toEqual([]);
  });
});
