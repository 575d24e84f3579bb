/**
 * The points of a run: every step at which something may go wrong, in the order in which they come.
 *
 * Collected while the scenario runs clean. A run under attack is the same run up to the instant of the attack, so the
 * n-th of a name is the same step in both.
 */
import { PROXY_OS_NAME } from '../../src/contract/assumed.ts';
import type { JournalEntry } from '../../src/kernel/journal.ts';
import { ENGINE_NAMES, type EngineName } from '../runner/scenario-schema.ts';
import type { Story } from '../runner/story.ts';
import { Eras, readsOnly } from './eras.ts';
import { isQuestion } from './look-alikes.ts';
import type { Point, PointKind } from './sweep-api.ts';

type Detail = Pick<Point, 'engine' | 'entry' | 'connection' | 'offsetBytes' | 'reached'>;

/** Sizes of the headers of replies on the wire; what a reply is cut by need not be exact. */
const REPLY_HEADER_BYTES = 20;

interface Connection {
  readonly ordinal: number;
  sentBytes: number;
  readonly commands: Map<number, string>;
}

export class PointCollector {
  readonly #points: Point[] = [];
  readonly #nth = new Map<string, number>();
  /** Servers of the backup resources that are running, by resource. */
  readonly #running = new Map<string, string>();
  #isProxy: (id: string) => boolean = () => false;
  readonly #steps = new Map<string, string>();
  /** Places in the list of points of the calls that were made. */
  readonly #calls = new Map<number, number>();
  readonly #connections = new Map<number, Connection>();
  /** Bytes read so far of each hot-added disk, and each read's way from so many to so many. */
  readonly #read = new Map<string, number>();
  readonly #reads: { readonly from: number; readonly to: number }[] = [];
  #nowMs: () => number = () => 0;
  #eras = new Eras(() => 0);
  /** Data connections that are open. */
  readonly #open = new Set<number>();
  #opened = 0;
  /** An engine has been given a job: what an operator does before that is none of its steps. */
  #hasBegun = false;

  get points(): readonly Point[] {
    return this.#points;
  }

  /** Call it with the story before its first step, when all is prepared. */
  attend(story: Story): void {
    const begunMs = story.clock.now();
    this.#nowMs = () => story.clock.now() - begunMs;
    this.#eras = new Eras(this.#nowMs);
    const { servers } = story.world;
    this.#isProxy = (id) => servers.list().some((one) => one.id === id && one.osName === PROXY_OS_NAME);
    story.world.journal.watch((entry) => {
      if (Eras.isChange(entry)) this.#eras.end();
      this.#note(entry);
    });
    for (const engine of ENGINE_NAMES) this.#attendEngine(story, engine);
  }

  #attendEngine(story: Story, engine: EngineName): void {
    const { storageStage, checkpoints } = story.installation(engine);
    const detail = engine === 'first' ? {} : { engine };
    /** Places in the list of points of the operations that are under way. */
    const underWay = new Map<string, number>();
    storageStage.watch((side, operation, path) => {
      const known = `${operation} ${path}`;
      if (side === 'before') {
        this.#add(`storage.${operation}`, folderOf(path), detail);
        underWay.set(known, this.#points.length - 1);
      } else this.#noteEraAfter(underWay.get(known) ?? -1);
    });
    checkpoints.watch(({ step }) => this.#add('checkpoint', step, detail));
  }

  #note(entry: JournalEntry): void {
    switch (entry.type) {
      case 'rest.request':
        if (entry.operation !== 'unknown')
          this.#add(entry.type, entry.operation, {}, this.#isUnderLock(entry));
        this.#calls.set(entry.call, this.#points.length - 1);
        if (!isQuestion(entry.operation)) this.#eras.end();
        return;
      case 'rest.reply':
        if (entry.operation === 'cbt.changed-areas') this.#notePage(entry);
        if (entry.operation !== 'unknown') this.#add(entry.type, entry.operation);
        return;
      case 'job':
        this.#hasBegun = true;
        return;
      case 'task':
        return this.#noteTask(entry);
      case 'state':
        return this.#noteState(entry);
      case 'nbd.open':
        this.#open.add(entry.connection);
        return;
      case 'nbd.close':
        this.#open.delete(entry.connection);
        return;
      case 'nbd.option':
        return this.#noteOption(entry);
      case 'nbd.request':
        return this.#noteRequest(entry);
      case 'nbd.reply':
        return this.#noteReply(entry);
      case 'guest.device':
        // A device that comes again begins anew.
        this.#read.delete(`${entry.server}/${entry.disk}`);
        return this.#add('guest.device', entry.change);
      case 'guest.io':
        return this.#add('guest.io', entry.command, this.#noteRead(entry));
      default:
    }
  }

  /** Whether the call's server is locked. A call that names no server, or a proxy, serves whichever is. */
  #isUnderLock({ path, query, body }: Extract<JournalEntry, { type: 'rest.request' }>): boolean {
    const resource = /\/backup-resources\/([^/]+:[^/]+)/.exec(decodeURIComponent(path))?.[1];
    if (resource !== undefined) return this.#running.has(resource);
    const inBody = (body as { readonly server_id?: unknown } | null | undefined)?.server_id;
    const server = /\/servers\/([0-9a-f-]{36})/.exec(path)?.[1] ?? query['server_id'] ?? inBody;
    if (typeof server !== 'string' || this.#isProxy(server)) return this.#running.size > 0;
    return [...this.#running.values()].includes(server);
  }

  #notePage({ call, data }: Extract<JournalEntry, { type: 'rest.reply' }>): void {
    const at = this.#calls.get(call) ?? -1;
    const point = this.#points[at];
    if (point === undefined || typeof data !== 'object' || data === null) return;
    const { start_offset: start, length } = data as Readonly<Record<string, unknown>>;
    if (typeof start === 'number' && typeof length === 'number')
      this.#points[at] = { ...point, page: { start, length } };
  }

  #noteEraAfter(at: number): void {
    this.#eras.end();
    const point = this.#points[at];
    if (point !== undefined) this.#points[at] = { ...point, eraAfter: this.#eras.now };
  }

  #noteRead({ server, disk, command, length, error }: Extract<JournalEntry, { type: 'guest.io' }>): Detail {
    if (command !== 'READ' || error !== 0) return {};
    const from = this.#read.get(`${server}/${disk}`) ?? 0;
    const to = from + length;
    this.#read.set(`${server}/${disk}`, to);
    const earlier = this.#reads.filter((read) => read.from < to && read.to >= to).length;
    this.#reads.push({ from, to });
    return { reached: { bytes: to, nth: earlier + 1 } };
  }

  #noteState(entry: Extract<JournalEntry, { type: 'state' }>): void {
    if (entry.entity !== 'backup-resource') return;
    if (entry.to === 'running') this.#running.set(entry.id, entry.server ?? '');
    else this.#running.delete(entry.id);
    // A renewal is told as a running resource that goes on running.
    if (entry.from === 'running' && entry.to === 'running') this.#add('lease.tick', 'renewed');
  }

  /** A task may tell of the same step again, for instance of its progress. */
  #noteTask({ task, action, status }: Extract<JournalEntry, { type: 'task' }>): void {
    const name = `${action}:${status}`;
    const nth = this.#count(`entry ${name}`);
    if (this.#steps.get(task) === status) return;
    this.#steps.set(task, status);
    this.#add('task.step', name, { entry: nth });
  }

  #noteOption(entry: Extract<JournalEntry, { type: 'nbd.option' }>): void {
    if (entry.option !== 'GO' || entry.reply !== 'ACK') return;
    this.#connections.set(entry.connection, { ordinal: ++this.#opened, sentBytes: 0, commands: new Map() });
  }

  #noteRequest({ connection, request, command }: Extract<JournalEntry, { type: 'nbd.request' }>): void {
    if (command === 'DISC') return;
    this.#connections.get(connection)?.commands.set(request, command);
    this.#add('nbd.request', command);
    if (!readsOnly(command)) this.#eras.end();
  }

  #noteReply({ connection, request, bytes }: Extract<JournalEntry, { type: 'nbd.reply' }>): void {
    const known = this.#connections.get(connection);
    const command = known?.commands.get(request);
    if (known === undefined || command === undefined) return;
    if (!readsOnly(command)) this.#eras.end();
    this.#add('nbd.reply', command, { connection: known.ordinal, offsetBytes: known.sentBytes });
    known.sentBytes += REPLY_HEADER_BYTES + bytes;
  }

  #add(kind: PointKind, name: string, detail: Detail = {}, isLocked = this.#running.size > 0): void {
    const whose = detail.engine === undefined ? '' : `${detail.engine}/`;
    const nth = this.#count(`${kind}:${whose}${name}`);
    const ordinal = this.#count(`${kind} ${whose}`);
    const id = `${kind}:${whose}${name}#${nth}`;
    const lock = isLocked ? { nthLocked: this.#count(`locked ${kind}:${whose}${name}`) } : {};
    const state = { era: this.#eras.now, ...(this.#open.size === 0 ? { isOffline: true as const } : {}) };
    // Counted all the same, since a fault counts from the first of the steps.
    if (this.#hasBegun)
      this.#points.push({ id, kind, name, nth, atMs: this.#nowMs(), ordinal, ...state, ...lock, ...detail });
    if (kind.startsWith('storage.')) this.#eras.end();
  }

  #count(key: string): number {
    const nth = (this.#nth.get(key) ?? 0) + 1;
    this.#nth.set(key, nth);
    return nth;
  }
}

/** The kind of file: `points`, `chunks`, `notes`, `locks`, `tmp`. */
function folderOf(path: string): string {
  return path.split('/')[0] ?? path;
}
