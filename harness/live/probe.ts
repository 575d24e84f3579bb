/**
 * Looks at a platform by reading alone: which calls answer, with which envelope and which fields, how large pages may
 * be. The same walk goes over the simulator, and what differs is the result.
 */
import {
  type Differences,
  type EndpointDifference,
  type EnvelopeDifference,
  type FieldDifference,
  type PageSizeDifference,
  REFERENCE_PAGE_SIZE,
} from '../../src/contract/differences.ts';
import { dateOfPath } from '../../src/contract/envelope.ts';
import { OPERATION_NAMES, type OperationName, operationOf } from '../../src/contract/operations.ts';
import type { Json } from '../../src/kernel/journal.ts';
import { compareShapes } from './compare-shapes.ts';
import type { RawGet } from './live-client.ts';
import { at, envelopeOf, listOf, parseJson, textOf } from './read-answer.ts';
import { addToShape, type Shape } from './shapes.ts';

/** One call, as it was answered. */
export interface Answer {
  readonly operation: OperationName;
  /** Template of the path that was asked for. */
  readonly path: string;
  readonly status: number;
  /** `V1`, `V2`, or what it is instead. */
  readonly envelope: string;
}

export interface Look {
  readonly answers: readonly Answer[];
  readonly untried: Differences['untried'];
  readonly shapes: ReadonlyMap<OperationName, Shape>;
  /** `6.11.3`; empty where nobody said it. */
  readonly version: string;
  readonly pageSize: PageSizeDifference | undefined;
  /** Names of headers that speak of limits. */
  readonly headers: readonly string[];
}

export interface LookOptions {
  readonly get: RawGet;
  /** Id of the server to look at; else the first few that are listed. */
  readonly server?: string;
  readonly onAnswer?: (answer: Answer) => void;
}

type Params = Readonly<Record<string, string>>;

/** How many of a kind are looked at where any would do. */
const FEW = 3;

class Looking {
  readonly #options: LookOptions;
  readonly answers: Answer[] = [];
  readonly untried: Differences['untried'][number][] = [];
  readonly shapes = new Map<OperationName, Shape>();
  readonly headers = new Set<string>();

  constructor(options: LookOptions) {
    this.#options = options;
  }

  /** The data of a success; `undefined` for anything else. Of an older path the status alone is noted. */
  async read(
    operation: OperationName,
    params: Params = {},
    query: Readonly<Record<string, string | number>> = {},
  ): Promise<Json | undefined> {
    let data: Json | undefined;
    for (const path of operationOf(operation).paths.filter((one) => one.startsWith('/janus/'))) {
      const hasAnswered = this.answers.some((one) => one.operation === operation && one.path === path);
      if (hasAnswered && path !== operationOf(operation).paths[0]) continue;
      const date = dateOfPath(path);
      const found = await this.#options.get(operation, {
        params,
        query,
        ...(date === undefined ? {} : { date }),
      });
      this.#noteHeaders(found.headers);
      const envelope = kindOfEnvelope(found.body);
      if (!hasAnswered) {
        const answer = { operation, path, status: found.status, envelope };
        this.answers.push(answer);
        this.#options.onAnswer?.(answer);
      }
      if (found.status >= 200 && found.status < 300 && data === undefined) data = envelopeOf(found.body).data;
    }
    if (data !== undefined) {
      const shape = this.shapes.get(operation) ?? new Map();
      this.shapes.set(operation, shape);
      addToShape(shape, data);
    }
    return data;
  }

  skip(operation: OperationName, why: string): void {
    const isKnown = this.answers.some((one) => one.operation === operation);
    if (!isKnown && !this.untried.some((one) => one.operation === operation))
      this.untried.push({ operation, why });
  }

  #noteHeaders(headers: Readonly<Record<string, string>>): void {
    for (const name of Object.keys(headers))
      if (/rate|retry-after|quota|throttl/i.test(name)) this.headers.add(name.toLowerCase());
  }
}

function kindOfEnvelope(body: string): string {
  const value = parseJson(body);
  if (at(value, 'data') === undefined) return 'none';
  if (at(value, 'errcode') !== undefined) return 'V2';
  return at(value, 'code') === undefined ? 'none' : 'V1';
}

/** @throws TransportError when the platform is not there; ScpError when the login is refused */
export async function lookAt(options: LookOptions): Promise<Look> {
  const looking = new Looking(options);
  for (const operation of ['public-key', 'public-key.v2', 'system.version', 'system.maintenance'] as const)
    await looking.read(operation);
  const platform = await looking.read('platform.get');
  const pools = await readList(looking, 'azs.list');
  await readOne(looking, 'azs.get', 'az_id', pools, 'there is no resource pool');
  const clusters = await readList(looking, 'clusters.list');
  await readOne(looking, 'clusters.get', 'cluster_id', clusters, 'there is no cluster');
  await readList(looking, 'hosts.list');
  await readList(looking, 'storages.list');
  const tasks = await readList(looking, 'tasks.list');
  await readOne(looking, 'tasks.get', 'task_id', tasks, 'no task is listed');
  const servers = await readList(looking, 'servers.list');
  await lookAtServers(looking, options.server, servers);
  await looking.read('backup-resources.overview');
  for (const operation of OPERATION_NAMES)
    if (operationOf(operation).method === 'GET')
      looking.skip(operation, 'nothing of it can be found by reading');
  const { answers, untried, shapes, headers } = looking;
  return {
    answers,
    untried,
    shapes,
    version: versionIn(platform, pools),
    pageSize: await findPageSize(options.get),
    headers: [...headers].sort(),
  };
}

async function readList(looking: Looking, operation: OperationName): Promise<readonly Json[]> {
  const data = await looking.read(operation, {}, { page_num: 0, page_size: 100 });
  // Some builds answer a plain list where a page is documented.
  return Array.isArray(data) ? listOf(data) : listOf(at(data, 'data'));
}

async function readOne(
  looking: Looking,
  operation: OperationName,
  param: string,
  items: readonly Json[],
  why: string,
): Promise<void> {
  const ids = items.map((item) => textOf(at(item, 'id'))).filter((id) => id !== '');
  if (ids.length === 0) looking.skip(operation, why);
  for (const id of ids.slice(0, FEW)) await looking.read(operation, { [param]: id });
}

async function lookAtServers(
  looking: Looking,
  named: string | undefined,
  items: readonly Json[],
): Promise<void> {
  const listed = items
    .filter((item) => textOf(at(item, 'type')) !== 'vmware')
    .map((item) => textOf(at(item, 'id')));
  const ids = named === undefined ? listed.filter((id) => id !== '').slice(0, FEW) : [named];
  for (const server_id of ids) {
    const detail = await looking.read('servers.get', { server_id });
    await looking.read('cbt.status', { server_id });
    await looking.read('backup-resources.supports', {}, { server_id });
    const snapshots = listOf(await looking.read('snapshots.list', { server_id }));
    const snapshot_id = textOf(at(snapshots[0], 'id'));
    const disk_id = textOf(at(listOf(at(detail, 'disks'))[0], 'id'));
    if (snapshot_id === '') continue;
    await looking.read('snapshots.get', { server_id, snapshot_id });
    const query = { disk_id, snapshot_id, checkpoint_id: 0, start_offset: 0 };
    await looking.read('cbt.changed-areas', { server_id }, query);
  }
  for (const operation of ['snapshots.get', 'cbt.changed-areas'] as const)
    looking.skip(operation, 'none of the servers looked at has a snapshot');
  for (const operation of [
    'servers.get',
    'cbt.status',
    'backup-resources.supports',
    'snapshots.list',
  ] as const)
    looking.skip(operation, 'no server is listed');
}

function versionIn(platform: Json | undefined, pools: readonly Json[]): string {
  const said = textOf(at(platform, 'version')) || textOf(at(pools[0], 'version'));
  return /\d+(?:\.\d+)+/.exec(said)?.[0] ?? '';
}

/** Sizes that are asked for, largest first. */
const PAGE_SIZES = [REFERENCE_PAGE_SIZE, 500, 200, 100, 50] as const;

/** The platform says in its answer how large the page is that it gives, however few items there are. */
async function findPageSize(get: RawGet): Promise<PageSizeDifference | undefined> {
  for (const size of PAGE_SIZES) {
    const { status, body } = await get('servers.list', { query: { page_num: 0, page_size: size } });
    if (status === 400) continue;
    const given = at(envelopeOf(body).data, 'page_size');
    if (status !== 200 || typeof given !== 'number') return undefined;
    if (size === REFERENCE_PAGE_SIZE && given >= size)
      return { most: REFERENCE_PAGE_SIZE, beyond: 'refused' };
    return given < size ? { most: given, beyond: 'capped' } : { most: size, beyond: 'refused' };
  }
  return undefined;
}

/** What of a live platform is not as it is in the simulator. */
export function differencesBetween(live: Look, simulated: Look): Differences {
  const { pageSize } = live;
  const hasOtherPages = pageSize !== undefined && pageSize.most !== simulated.pageSize?.most;
  return {
    platform: live.version === '' || live.version === simulated.version ? {} : { version: live.version },
    endpoints: endpointDifferences(live),
    envelopes: envelopeDifferences(live, simulated),
    fields: [...live.shapes].flatMap(([operation, shape]): readonly FieldDifference[] =>
      compareShapes(operation, shape, simulated.shapes.get(operation) ?? new Map()),
    ),
    limits: {
      ...(hasOtherPages ? { pageSize } : {}),
      ...(live.headers.length === 0 ? {} : { headers: live.headers }),
    },
    untried: live.untried,
  };
}

/** All paths of a call that are refused alike are one difference. */
function endpointDifferences({ answers }: Look): readonly EndpointDifference[] {
  const found: EndpointDifference[] = [];
  for (const [operation, paths] of Map.groupBy(answers, (one) => one.operation)) {
    const refused = paths.filter(({ status }) => status < 200 || status >= 300);
    const [first] = refused;
    if (first === undefined) continue;
    if (refused.length === paths.length && refused.every(({ status }) => status === first.status))
      found.push({ operation, status: first.status });
    else found.push(...refused.map(({ path, status }) => ({ operation, path, status })));
  }
  return found;
}

function envelopeDifferences(live: Look, simulated: Look): readonly EnvelopeDifference[] {
  const found = new Map<OperationName, string>();
  for (const { operation, path, status, envelope } of live.answers) {
    if (status < 200 || status >= 300) continue;
    const twin = simulated.answers.find((one) => one.operation === operation && one.path === path);
    if (twin !== undefined && twin.envelope !== envelope) found.set(operation, envelope);
  }
  return [...found].map(([operation, seen]) => ({ operation, seen }));
}
