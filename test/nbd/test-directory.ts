/** Exports by name, for tests. */
import type {
  ExportConnection,
  ExportDevice,
  ExportDirectory,
  ExportRefusal,
  OpenExport,
} from '../../simulator/nbd/export-device.ts';

export class TestDirectory implements ExportDirectory {
  readonly #devices: Readonly<Record<string, ExportDevice>>;
  readonly #tlsOnly: ReadonlySet<string>;
  /** Connections that have an export open. */
  readonly connections = new Set<ExportConnection>();

  constructor(devices: Readonly<Record<string, ExportDevice>>, tlsOnly: readonly string[] = []) {
    this.#devices = devices;
    this.#tlsOnly = new Set(tlsOnly);
  }

  list(isTls: boolean): { name: string; description: string }[] {
    return Object.keys(this.#devices)
      .filter((name) => isTls || !this.#tlsOnly.has(name))
      .map((name) => ({ name, description: `disk ${name}` }));
  }

  find(name: string, isTls: boolean): ExportDevice | ExportRefusal {
    const device = this.#devices[name];
    if (device === undefined) return 'unknown';
    return isTls || !this.#tlsOnly.has(name) ? device : 'tls-required';
  }

  open(name: string, connection: ExportConnection): OpenExport | ExportRefusal {
    const device = this.find(name, connection.isTls);
    if (typeof device === 'string') return device;
    this.connections.add(connection);
    return { device, description: `disk ${name}`, release: () => this.connections.delete(connection) };
  }
}
