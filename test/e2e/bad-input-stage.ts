/** One `backlot serve` with a server under backup and one under restore, for tests that treat it badly. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { signed } from '../integration/http/sign.ts';
import { GO, request, STRUCTURED } from '../nbd/raw-client.ts';
import { type ServeProcess, startServe } from './serve-process.ts';
import { SocketClient } from './socket-client.ts';

export const MIB = 2 ** 20;
/** Not a multiple of a block, so that the end is odd too. */
export const DISK_BYTES = 64 * MIB + 512;

const INVENTORY = `
servers:
  - name: web
    disks: [{ size: 64MiB+512, isCbtEnabled: true, content: { kind: synthetic, allocatedRatio: 0.9 } }]
  - name: off
    isRunning: false
    disks: [64MiB+512]
`;

export interface Answer {
  readonly status: number;
  /** Parsed where it is JSON. */
  readonly body: Record<string, unknown> & { message?: string };
}

export interface CallOptions {
  readonly body?: string | object;
  /** Sent after the signature was made, so they replace what was signed. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly isAnonymous?: boolean;
}

export class BadInputStage {
  readonly serve: ServeProcess;
  readonly #ca: string;
  readonly ids = { web: '', off: '', snapshot: '', resource: '', restore: '' };
  #marker = Buffer.alloc(0);

  private constructor(serve: ServeProcess) {
    this.serve = serve;
    this.#ca = readFileSync(serve.ready.caFile, 'utf8');
  }

  static async open(folder: string): Promise<BadInputStage> {
    const inventory = join(folder, 'stage.yaml');
    writeFileSync(inventory, INVENTORY);
    // Ten times as fast as the wall, so that tasks and handshake timeouts take a moment.
    const stage = new BadInputStage(await startServe(['--inventory', inventory, '--clock', 'x10']));
    await stage.#prepare();
    return stage;
  }

  async #prepare(): Promise<void> {
    const { ready } = this.serve;
    const world = await fetch(`${ready.control}/_backlot/v1/worlds/${ready.world}/inventory`);
    const { servers } = (await world.json()) as { servers: { id: string; name: string }[] };
    for (const { id, name } of servers) if (name === 'web' || name === 'off') this.ids[name] = id;
    this.#marker = Buffer.from('what the guest wrote');
    await this.serve.control(
      `/worlds/${ready.world}/servers/${this.ids.web}/disks/ide0/write?offset=70000`,
      this.#marker,
    );
    const body = { name: 'stage' };
    const snapshot = await this.started('POST', `/janus/20190725/servers/${this.ids.web}/snapshots`, body);
    this.ids.snapshot = snapshot;
    this.ids.resource = await this.#lock(this.ids.web, 'backup');
    this.ids.restore = await this.#lock(this.ids.off, 'restore');
  }

  #lock(server_id: string, type: string): Promise<string> {
    return this.started('POST', '/janus/20180725/backup-resources', { server_id, type, lock_time: 7200 });
  }

  /** Makes a call and waits for its task. Returns the id of what was made. */
  async started(method: string, path: string, body: object): Promise<string> {
    const answer = await this.call(method, path, { body });
    const { task_id, resource_id } = answer.body['data'] as { task_id: string; resource_id: string };
    for (;;) {
      const task = await this.call('GET', `/janus/20180725/tasks/${task_id}`);
      const { status } = task.body['data'] as { status: string };
      if (status === 'finish') return resource_id;
      if (task.status !== 200 || status === 'failure') throw new Error(JSON.stringify(task));
    }
  }

  /** A call signed with the right keys unless told otherwise, at the door to which the path belongs. */
  call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { body = '', headers = {}, isAnonymous = false } = options;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const { accessKey, secretKey } = this.serve.ready;
    const [bare = ''] = path.split('?', 1);
    const signature = signed({ method, path: bare, body: text, accessKey, secretKey });
    const sent = {
      ...(isAnonymous ? {} : signature),
      ...(text === '' ? {} : { 'content-type': 'application/json' }),
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const { scp, hci } = this.serve.ready;
      const url = `${path.startsWith('/hci/') ? hci : scp}${path}`;
      const options = { method, headers: sent, ca: this.#ca, agent: false } as const;
      const going = httpsRequest(url, options, (answer) => resolve(collect(answer)));
      going.once('error', reject).end(text);
    });
  }

  get ca(): string {
    return this.#ca;
  }

  exportName(kind: 'resource' | 'restore' = 'resource'): string {
    return `${this.ids[kind]}/ide0`;
  }

  greet(clientFlags?: number): Promise<SocketClient> {
    return SocketClient.greet(this.serve.ready.nbd, clientFlags);
  }

  /** A client in transmission. */
  async enter(options: { kind?: 'resource' | 'restore'; isSimple?: boolean } = {}): Promise<SocketClient> {
    const client = await this.greet();
    if (!options.isSimple) {
      client.say(STRUCTURED);
      await client.optionReply();
    }
    client.say(GO(this.exportName(options.kind)));
    const reply = await client.optionReply();
    if (reply !== 'ACK') throw new Error(`GO was answered with ${reply}`);
    return client;
  }

  /** @throws when the server is not as well as before: one call, and one read with the right bytes */
  async probe(): Promise<void> {
    const { status } = await this.call('GET', '/janus/20240725/servers');
    if (status !== 200) throw new Error(`a good call is answered with ${status}`);
    const client = await this.enter({ isSimple: true });
    client.say(request({ type: 0, offset: 70_000, length: this.#marker.length }));
    const reply = await client.take(16 + this.#marker.length);
    if (!reply.subarray(16).equals(this.#marker)) throw new Error('a good read has other bytes');
    client.say(request({ type: 2 }));
    await client.closed();
    client.destroy();
  }

  /** A number that the process tells about itself. */
  async metric(name: string): Promise<number> {
    const answer = await fetch(`${this.serve.ready.control}/_backlot/v1/metrics`);
    const value = new RegExp(`^backlot_${name} (\\S+)$`, 'm').exec(await answer.text())?.[1];
    if (value === undefined) throw new Error(`there is no metric ${name}`);
    return Number(value);
  }

  /** How many entries the journal has. */
  async journalLength(): Promise<number> {
    const { ready } = this.serve;
    const answer = await fetch(`${ready.control}/_backlot/v1/worlds/${ready.world}/journal/hash`);
    return ((await answer.json()) as { entries: number }).entries;
  }

  /** Why the first NBD connection was cut after the journal had `from` entries; waits for it. */
  async endedBecause(from: number): Promise<string> {
    const { ready } = this.serve;
    for (;;) {
      const answer = await fetch(`${ready.control}/_backlot/v1/worlds/${ready.world}/journal?from=${from}`);
      for (const line of (await answer.text()).trimEnd().split('\n')) {
        const entry = JSON.parse(line === '' ? '{}' : line) as { type?: string; why?: string };
        // An earlier probe may still be saying goodbye.
        if (entry.type === 'nbd.close' && entry.why !== 'disconnect') return entry.why ?? '';
      }
    }
  }

  /** Memory of the process as the system counts it, bytes. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.serve.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }
}

async function collect(answer: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return { status: answer.statusCode ?? 0, body: text === '' ? {} : JSON.parse(text) };
}
