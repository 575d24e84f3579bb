import { describe, expect, it } from 'vitest';
import { API_ERRORS } from '../../../src/contract/errors.ts';
import type { GuestExecResult, GuestPort } from '../../../simulator/domain/hot-add-api.ts';
import { createHotAddTestbed, withProxy } from './hot-add-testbed.ts';

const guest = (exec: (command: string) => GuestExecResult | Promise<GuestExecResult>): GuestPort => ({
  plugged: () => undefined,
  unplug: (_disk, released) => released(),
  pulled: () => undefined,
  exec: (_server, command) => exec(command),
});

describe('a command in a guest', () => {
  it('is a task, and its answer is read when that is over', async () => {
    const guestPort = guest((command) => ({ exitCode: 3, output: `ran ${command}` }));
    const testbed = createHotAddTestbed({ guestPort });
    const { call, proxy } = testbed;
    const server_id = proxy.id;
    const begun = await call('guest.exec', { server_id }, { body: { command: 'id', timeout: 5 } });
    expect(begun).toMatchObject({ status: 200, body: { errcode: '' } });
    const params = { server_id, task_id: String(begun.body.data.task_id) };
    expect((await call('guest.exec-result', params)).body.data).toEqual({
      status: 'waiting',
      exit_code: -1,
      output: '',
    });
    expect((await call('tasks.get', params)).body.data).toMatchObject({ action: 'Run command in guest' });
    expect(await testbed.outcome(begun)).toEqual({ status: 'finish', description: '' });
    expect((await call('guest.exec-result', params)).body.data).toEqual({
      status: 'finish',
      exit_code: 3,
      output: 'ran id',
    });
  });

  it('that the guest cannot run fails, and has no exit code', async () => {
    const broken = guest(() => Promise.reject(new Error('no agent')));
    const testbed = createHotAddTestbed({ guestPort: broken });
    const { call, proxy } = testbed;
    const server_id = proxy.id;
    const begun = await call('guest.exec', { server_id }, { body: { command: 'id' } });
    expect(await testbed.outcome(begun)).toEqual({
      status: 'failure',
      description: expect.stringContaining('no agent'),
    });
    const params = { server_id, task_id: String(begun.body.data.task_id) };
    expect((await call('guest.exec-result', params)).body.data).toMatchObject({
      status: 'failure',
      exit_code: -1,
    });
  });

  it('leaves neither itself nor its output in the journal', async () => {
    const guestPort = guest(() => ({ exitCode: 0, output: 'password set to hunter2' }));
    const testbed = createHotAddTestbed({ guestPort });
    const { call, proxy, world } = testbed;
    const server_id = proxy.id;
    const body = { command: 'chpasswd root:hunter2' };
    const begun = await call('guest.exec', { server_id }, { body });
    await testbed.outcome(begun);
    const params = { server_id, task_id: String(begun.body.data.task_id) };
    expect((await call('guest.exec-result', params)).body.data.output).toContain('hunter2');
    const journal = JSON.stringify(world.journal.entries);
    expect(journal).toContain('guest.exec-result');
    expect(journal).not.toContain('hunter2');
  });

  it.each([
    ['a server that is off', { isRunning: false }, 'SERVER_STATE'],
    ['a server without vmtools', { vmtools: 0 }, 'NO_VMTOOLS'],
  ] as const)('is refused in %s', async (_what, change, code) => {
    const { call, proxy } = createHotAddTestbed({ change: withProxy(() => change) });
    const answer = await call('guest.exec', { server_id: proxy.id }, { body: { command: 'id' } });
    expect(answer).toMatchObject({ status: 400, body: { errcode: '400', data: {} } });
    expect(answer.body.message).toContain(API_ERRORS[code].message);
  });

  it.each([
    [{}, 'command: is required'],
    [{ command: '' }, 'command: must not have fewer than 1 characters'],
    [{ command: ['id'] }, 'command: must be string'],
    [{ command: 'x'.repeat(8193) }, 'command: must not have more than 8192 characters'],
    [{ command: 'id', timeout: 0 }, 'timeout: must be >= 1'],
    [{ command: 'id', timeout: 3601 }, 'timeout: must be <= 3600'],
    [{ command: 'id', timeout: '5' }, 'timeout: must be integer'],
  ])('is refused that is %j', async (body, complaint) => {
    const { call, proxy, world } = createHotAddTestbed();
    const answer = await call('guest.exec', { server_id: proxy.id }, { body });
    expect(answer.status).toBe(400);
    expect(answer.body.message).toContain(`(${complaint}`);
    expect(world.tasks.list()).toEqual([]);
  });

  it('has no answer under another server, another task or none', async () => {
    const testbed = createHotAddTestbed();
    const { call, proxy, server } = testbed;
    const begun = await call('guest.exec', { server_id: proxy.id }, { body: { command: 'id' } });
    const task_id = String(begun.body.data.task_id);
    const stop = await call('servers.stop', { server_id: proxy.id }, { body: { force: 1 } });
    const status = async (server_id: string, task: unknown) =>
      (await call('guest.exec-result', { server_id, task_id: String(task) })).status;
    expect(await status(server.id, task_id)).toBe(404);
    expect(await status(proxy.id, stop.body.data.task_id)).toBe(404);
    expect(await status(proxy.id, 'none')).toBe(404);
    expect(await status(proxy.id, task_id)).toBe(200);
  });
});
