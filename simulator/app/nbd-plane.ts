/**
 * The data plane of the process: which worlds an address serves, what certificate it shows, whose journal and whose
 * faults a connection meets.
 *
 * A host of a world has an address; there it serves the backup resources that run on that host, and nothing else. The
 * process's own address (127.0.0.1) stands for every host of every world, for systems and clients that have no other.
 */
import { duplexPair, type Duplex } from 'node:stream';
import { createSecureContext, type SecureContext } from 'node:tls';
import { letGoWhenClosed } from '../../src/kernel/let-go.ts';
import { parseNbdExportName } from '../../src/contract/assumed.ts';
import type { FaultPoint } from '../fault/fault-api.ts';
import { createOutputFilters, OUTPUT_FAULT_KINDS } from '../fault/nbd-faults.ts';
import { damageable } from '../fault/payload-faults.ts';
import type { ExportConnection, ExportDirectory, OpenExport } from '../nbd/export-device.ts';
import { defaultNbdLimits, type NbdLimits } from '../nbd/nbd-limits.ts';
import type { NbdServerContext } from '../nbd/nbd-server-context.ts';
import type { OutputFilter } from '../nbd/reply-output.ts';
import { serveNbd } from '../nbd/serve-nbd.ts';
import type { Hosted } from './hosted.ts';
import { createRequestGuard } from './request-faults.ts';
import { type NbdTotals, observeConnection } from './nbd-journal.ts';
import type { Identity } from './certificate.ts';
import type { CertificateFlaw } from './pki.ts';

/** The process's own address: not a host's, and every host's. */
export const SHARED_ADDRESS = '127.0.0.1';

/** A host that listens at an address. Several worlds made from one seed have hosts of the same address. */
interface Listener {
  readonly hosted: Hosted;
  readonly hostId: string;
  readonly clusterId: string;
  readonly ip: string;
}

export class NbdPlane {
  readonly totals: NbdTotals = { opened: 0, closed: 0, requests: 0, bytes: 0 };
  readonly #worlds: () => readonly Hosted[];
  readonly #limits: NbdLimits;
  #connections = 0;

  constructor(worlds: () => readonly Hosted[], limits: Partial<NbdLimits> = {}) {
    this.#worlds = worlds;
    this.#limits = { ...defaultNbdLimits, ...limits };
  }

  /** Whether an NBD service listens at the address: a host of some world, and that host is up. */
  isListening(address: string): boolean {
    return this.#listeners(address).length > 0;
  }

  /** A connection to the address without a socket, or `undefined` where nothing listens. */
  dial(address: string): Duplex | undefined {
    if (!this.isListening(address)) return undefined;
    const [client, server] = duplexPair();
    letGoWhenClosed(client);
    letGoWhenClosed(server);
    void this.serve(server, address, 'in-process');
    return client;
  }

  /** Serves a client that reached `address`. Resolves when the connection is over. */
  async serve(stream: Duplex, address: string, from: string): Promise<void> {
    const listeners = this.#listeners(address);
    const first = listeners[0];
    if (first === undefined) {
      stream.destroy();
      return;
    }
    await serveNbd(stream, this.#context(listeners, first, from));
  }

  #context(listeners: readonly Listener[], first: Listener, from: string): NbdServerContext {
    const worlds = [...new Set(listeners.map((listener) => listener.hosted))];
    const observer = observeConnection({
      witness: worlds.length === 1 ? first.hosted : undefined,
      fallback: first.hosted,
      find: (exportName) => owner(exportName),
      totals: this.totals,
    });
    const owner = (exportName: string): Hosted | undefined => ownerOf(exportName, listeners)?.hosted;
    return {
      directory: createDirectory(listeners, observer),
      ...(first.hosted.world.settings.isTlsOffered ? { secureContext: () => secureContextFor(first) } : {}),
      observer,
      limits: this.#limits,
      clock: first.hosted.world.clock,
      connectionId: ++this.#connections,
      address: from,
      filters: (exportName) => filtersFor(exportName, owner(exportName), observer),
    };
  }

  #listeners(address: string): Listener[] {
    return this.#worlds().flatMap((hosted) =>
      hosted.world.hosts
        .filter((host) => host.isOnline && (host.ip === address || address === SHARED_ADDRESS))
        .map(({ id, clusterId, ip }): Listener => ({ hosted, hostId: id, clusterId, ip })),
    );
  }
}

/** The listener on whose host the export's backup resource runs. */
function ownerOf(exportName: string, listeners: readonly Listener[]): Listener | undefined {
  const parsed = parseNbdExportName(exportName);
  if (parsed === undefined) return undefined;
  for (const hosted of new Set(listeners.map((listener) => listener.hosted))) {
    const resource = hosted.world.backupResources.list().find(({ id }) => id === parsed.resourceId);
    const isOwner = (one: Listener): boolean => one.hosted === hosted && one.hostId === resource?.hostId;
    if (resource !== undefined) return listeners.find(isOwner);
  }
  return undefined;
}

/** The exports of the backup resources that run on the listening hosts. */
function createDirectory(listeners: readonly Listener[], numbered: Numbered): ExportDirectory {
  const exportsOf = (name: string): ExportDirectory | undefined =>
    ownerOf(name, listeners)?.hosted.world.exports;
  return {
    list: (isTls) =>
      [...new Set(listeners.map(({ hosted }) => hosted.world.exports))]
        .flatMap((directory) => directory.list(isTls))
        .filter(({ name }) => exportsOf(name) !== undefined),
    find: (name, isTls) => exportsOf(name)?.find(name, isTls) ?? 'unknown',
    open(name, connection) {
      const opened = exportsOf(name)?.open(name, connection) ?? 'unknown';
      const hosted = ownerOf(name, listeners)?.hosted;
      if (typeof opened === 'string' || hosted === undefined) return opened;
      return disturbed(opened, name, hosted, { connection, numbered });
    },
  };
}

/** The connection's number in its world, once that is known. */
type Numbered = { readonly numberNow: () => number };

/** The export as the faults of its world leave it. */
function disturbed(
  opened: OpenExport,
  name: string,
  hosted: Hosted,
  { connection, numbered }: { connection: ExportConnection; numbered: Numbered },
): OpenExport {
  const { world, faults } = hosted;
  const place = faultPlace(name, hosted);
  if (place === undefined) return opened;
  const point = (): FaultPoint => ({ ...place, connection: numbered.numberNow() });
  const guard = createRequestGuard({ faults, clock: world.clock, connection, point, world });
  const device = damageable(opened.device, (isNow) =>
    faults.strike({ ...point(), can: ['corrupt-payload'], isNow }),
  );
  return { ...opened, device, guard };
}

type Place = FaultPoint & { readonly serverId: string; readonly deviceId: string };

function faultPlace(exportName: string, hosted: Hosted): Place | undefined {
  const parsed = parseNbdExportName(exportName);
  const resource = hosted.world.backupResources.list().find((one) => one.id === parsed?.resourceId);
  if (parsed === undefined || resource === undefined) return undefined;
  const { id, serverId, owner } = resource;
  return { on: 'nbd', serverId, deviceId: parsed.deviceId, resourceId: id, actor: owner };
}

function filtersFor(
  exportName: string,
  hosted: Hosted | undefined,
  { numberNow }: Numbered,
): readonly OutputFilter[] {
  const place = hosted === undefined ? undefined : faultPlace(exportName, hosted);
  if (hosted === undefined || place === undefined) return [];
  const struck = hosted.faults.strike({ ...place, connection: numberNow(), can: OUTPUT_FAULT_KINDS });
  return createOutputFilters(struck);
}

/** Classic key agreement: the hybrid groups that newer libraries prefer cost several times as much per handshake. */
const GROUPS = 'X25519:prime256v1:secp384r1';

/** Building one costs about as much as a handshake, and every connection needs one; identities are few and kept. */
const secureContexts = new WeakMap<Identity, SecureContext>();

function secureContextFor(listener: Listener): SecureContext {
  const identity = listener.hosted
    .clusterCa(listener.clusterId)
    .hostIdentity(listener.ip, certificateFlaw(listener.hosted));
  const known = secureContexts.get(identity);
  if (known !== undefined) return known;
  const context = createSecureContext({
    cert: identity.pem,
    key: identity.keyPem,
    minVersion: 'TLSv1.2',
    ecdhCurve: GROUPS,
  });
  secureContexts.set(identity, context);
  return context;
}

function certificateFlaw(hosted: Hosted): CertificateFlaw | undefined {
  const struck = hosted.faults.strike({ on: 'nbd', can: ['bad-certificate'] });
  return struck.find((fault) => fault.kind === 'bad-certificate')?.flaw;
}
