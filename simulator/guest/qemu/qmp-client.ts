/** QEMU's machine protocol: commands and their answers by id, events, over the socket that `-qmp` opens. */
import type { Duplex } from 'node:stream';

export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** QEMU said no; its own words are the message. */
export class QmpError extends Error {
  override readonly name = 'QmpError';
  /** `GenericError`, `DeviceNotFound`, ... */
  readonly kind: string;

  constructor(command: string, kind: string, description: string) {
    super(`${command}: ${description}`);
    this.kind = kind;
  }
}

interface Waiting {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class QmpClient {
  readonly #stream: Duplex;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #lastId = 0;
  #text = '';
  #lost: Error | undefined;
  readonly #greeted: Promise<void>;
  #greet: () => void = () => undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#greeted = new Promise((resolve) => {
      this.#greet = resolve;
    });
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.#take(text));
    stream.on('error', (error: Error) => this.#lose(error));
    const ended = (): void => this.#lose(new Error('QEMU has closed its QMP socket'));
    stream.on('end', ended).on('close', ended);
  }

  /** Waits for the greeting and leaves negotiation; before this QEMU takes no other command. */
  async negotiate(): Promise<void> {
    await this.#greeted;
    await this.execute('qmp_capabilities');
  }

  /** @throws QmpError, or the reason why the connection ended */
  execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { command, resolve, reject });
      this.#stream.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
  }

  /** Calls `listener` for every event from now on. Returns what ends that. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#stream.destroy();
  }

  #take(text: string): void {
    this.#text += text;
    for (let end = this.#text.indexOf('\n'); end >= 0; end = this.#text.indexOf('\n')) {
      const line = this.#text.slice(0, end).trim();
      this.#text = this.#text.slice(end + 1);
      if (line !== '') this.#message(asRecord(JSON.parse(line)));
    }
  }

  #message(message: Readonly<Record<string, unknown>>): void {
    if ('QMP' in message) this.#greet();
    else if (typeof message['event'] === 'string') {
      const event = { name: message['event'], data: asRecord(message['data']) };
      for (const listener of this.#listeners) listener(event);
    } else this.#answer(message);
  }

  #answer(message: Readonly<Record<string, unknown>>): void {
    const id = message['id'];
    const waiting = typeof id === 'number' ? this.#waiting.get(id) : undefined;
    if (typeof id !== 'number' || waiting === undefined) return;
    this.#waiting.delete(id);
    if (!('error' in message)) return waiting.resolve(message['return']);
    const error = asRecord(message['error']);
    waiting.reject(new QmpError(waiting.command, String(error['class']), String(error['desc'])));
  }

  #lose(error: Error): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.#greet();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
