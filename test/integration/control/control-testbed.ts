/** The control interface in process, over worlds whose clocks stand still unless told otherwise. */
import type { FastifyInstance } from 'fastify';
import { createServedWorlds, type ServedWorlds } from '../../../simulator/app/served-worlds.ts';
import { createSimulator, type ListenableSimulator } from '../../../simulator/app/simulator.ts';
import { type ClockMode, scaleOf } from '../../../simulator/control/clock-mode.ts';
import { createControlApp } from '../../../simulator/control/control-app.ts';
import { ScaledClock } from '../../../src/runtime/scaled-clock.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** `{}` where the answer is no JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface ControlTestbed extends AsyncDisposable {
  readonly simulator: ListenableSimulator;
  readonly worlds: ServedWorlds;
  readonly app: FastifyInstance;
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<Answer>;
}

export async function openControl(clock: ClockMode = 'manual'): Promise<ControlTestbed> {
  const simulator = await createSimulator();
  const worlds = createServedWorlds({
    simulator,
    version: '1.2.3',
    seed: 'control',
    clock,
    journalCapacity: 10_000,
    createClock: (mode) => new ScaledClock({ startMs: Date.UTC(2026, 0, 1), scale: scaleOf(mode) }),
    changed: async () => undefined,
    residentBytes: () => 1,
    productOpenApi: () => ({ openapi: '3.1.0' }),
  });
  await worlds.create({ id: 'first', seed: 'control', clock, inventory: 'tiny' });
  const app = createControlApp({ host: worlds, access: { kind: 'loopback' } });
  return {
    simulator,
    worlds,
    app,
    async call(method, path, body) {
      const payload = body instanceof Uint8Array ? Buffer.from(body) : body && JSON.stringify(body);
      const answer = await app.inject({
        method,
        url: `/_backlot/v1${path}`,
        headers: { host: 'localhost' },
        ...(payload === undefined ? {} : { payload: payload as string | Buffer }),
      });
      const isJson = String(answer.headers['content-type']).startsWith('application/json');
      return { status: answer.statusCode, text: answer.body, json: isJson ? answer.json() : {} };
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await simulator[Symbol.asyncDispose]();
    },
  };
}

export const WORLD = '/worlds/default';

export async function firstServer(
  control: ControlTestbed,
): Promise<{ id: string; name: string; size: number }> {
  const { json } = await control.call('GET', `${WORLD}/inventory`);
  const servers = json['servers'] as { id: string; name: string; disks: { sizeBytes: number }[] }[];
  const [server] = servers;
  if (server === undefined) throw new Error('no server');
  return { id: server.id, name: server.name, size: server.disks[0]?.sizeBytes ?? 0 };
}

export async function journalTypes(control: ControlTestbed, query = ''): Promise<string[]> {
  const { text } = await control.call('GET', `${WORLD}/journal${query}`);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { type: string }).type);
}
