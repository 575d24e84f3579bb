import { describe, expect, it } from 'vitest';
import type { GuestExecResult, GuestPort } from '../../../simulator/domain/hot-add-api.ts';
import { codeOf } from './refusal.ts';
import { SERVER, type SmallWorld, finish, serverSpec, smallWorld } from './small-world.ts';

const SILENT = { plugged: () => undefined, unplug: () => undefined, pulled: () => undefined };

function shell(exec: NonNullable<GuestPort['exec']>): SmallWorld {
  return smallWorld(undefined, { guestPort: { ...SILENT, exec } });
}

describe('a command in the guest', () => {
  it('has its output at the end of its task', async () => {
    const ran: string[] = [];
    const small = shell((serverId, command) => {
      ran.push(`${serverId}: ${command}`);
      return { exitCode: 3, output: 'no such file\n' };
    });
    const { taskId } = small.world.guest.exec(SERVER, 'cat x', 10, 'me');
    expect([small.world.guest.execResult(taskId), ran]).toEqual([undefined, []]);
    expect(await finish(small, { taskId })).toEqual({ status: 'finish', description: '' });
    expect(small.world.guest.execResult(taskId)).toEqual({ exitCode: 3, output: 'no such file\n' });
    expect(ran).toEqual([`${SERVER}: cat x`]);
  });

  it('may take real time, for which the world waits', async () => {
    const small = shell(async () => {
      for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
      return { exitCode: 0, output: 'slow' };
    });
    const { taskId } = small.world.guest.exec(SERVER, 'sleep', 1, 'me');
    await small.clock.advanceBy(60_000);
    expect(small.world.tasks.get(taskId)).toMatchObject({
      status: 'finish',
      beginMs: expect.any(Number) as number,
    });
    expect(small.world.guest.execResult(taskId)?.output).toBe('slow');
    const { beginMs, endMs } = small.world.tasks.get(taskId);
    expect((endMs ?? 0) - beginMs).toBe(500);
  });

  it('fails when it does not end in time, and what it says later is not heard', async () => {
    let answer = (_result: GuestExecResult): void => undefined;
    const small = shell(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    // A clock that follows the wall does not wait for the command.
    small.clock.hold = () => () => undefined;
    const { taskId } = small.world.guest.exec(SERVER, 'sleep', 5, 'me');
    await small.clock.advanceBy(5_499);
    expect(small.world.tasks.get(taskId).status).toBe('doing');
    await small.clock.advanceBy(1);
    expect(small.world.tasks.get(taskId)).toMatchObject({
      status: 'failure',
      description: expect.stringContaining('within 5 s') as string,
    });
    answer({ exitCode: 0, output: 'late' });
    await small.clock.drain();
    expect(small.world.tasks.get(taskId).status).toBe('failure');
    expect(small.world.guest.execResult(taskId)).toBeUndefined();
  });

  it('fails when the guest breaks', async () => {
    const small = shell(() => Promise.reject(new Error('the channel is closed')));
    const task = small.world.guest.exec(SERVER, 'ls', 5, 'me');
    expect(await finish(small, task)).toMatchObject({
      status: 'failure',
      description: expect.stringContaining('the channel is closed') as string,
    });
  });

  it('meets no shell in a guest that nobody gave one', async () => {
    const small = smallWorld();
    const { taskId } = small.world.guest.exec(SERVER, 'ls', 5, 'me');
    expect((await finish(small, { taskId })).status).toBe('finish');
    expect(small.world.guest.execResult(taskId)).toMatchObject({ exitCode: 127 });
  });

  it.each([
    [{ isRunning: false }, 'ls', 5, 'SERVER_STATE'],
    [{ vmtools: 0 }, 'ls', 5, 'NO_VMTOOLS'],
    [{}, '', 5, 'INVALID_PARAMETER'],
    [{}, 'ls', 0, 'INVALID_PARAMETER'],
    [{}, 'ls', 1.5, 'INVALID_PARAMETER'],
    [{}, 'ls', 86_401, 'INVALID_PARAMETER'],
    [{}, 'ls', 86_400, 'no error'],
  ] as const)('is refused or not: server %o, command %j, timeout %d', (server, command, timeout, code) => {
    const { world } = smallWorld([serverSpec(server)]);
    expect(codeOf(() => world.guest.exec(SERVER, command, timeout, 'me'))).toBe(code);
  });

  it('fails when the server is switched off before it runs', async () => {
    const ran: string[] = [];
    const small = shell((_server, command) => {
      ran.push(command);
      return { exitCode: 0, output: '' };
    });
    const task = small.world.guest.exec(SERVER, 'ls', 5, 'me');
    small.world.servers.stop(SERVER, { force: true }, 'me');
    expect((await finish(small, task)).status).toBe('failure');
    expect(ran).toEqual([]);
  });

  it('leaves the server free for other tasks', () => {
    const { world } = smallWorld();
    world.guest.exec(SERVER, 'ls', 5, 'me');
    expect(codeOf(() => world.snapshots.create(SERVER, { name: 's', description: '' }, 'me'))).toBe(
      'no error',
    );
  });

  it('is unknown by another id, also by that of another task', () => {
    const { world } = smallWorld();
    const { taskId } = world.servers.edit(SERVER, { name: 'n' }, 'me');
    expect(codeOf(() => world.guest.execResult(taskId))).toBe('NOT_FOUND');
    expect(codeOf(() => world.guest.execResult('nothing'))).toBe('NOT_FOUND');
  });
});
