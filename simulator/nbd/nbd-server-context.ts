import type { SecureContext } from 'node:tls';
import type { Clock } from '../../src/kernel/clock.ts';
import type { ExportConnection, ExportDirectory } from './export-device.ts';
import type { NbdLimits } from './nbd-limits.ts';
import type { NbdObserver } from './nbd-observer.ts';
import type { OutputFilter } from './reply-output.ts';

/** All that a connection needs from its surroundings. */
export interface NbdServerContext {
  readonly directory: ExportDirectory;
  /** The certificate for STARTTLS, asked for on every upgrade. Absent: TLS is refused. */
  readonly secureContext?: () => SecureContext | Promise<SecureContext>;
  readonly observer: NbdObserver;
  readonly limits: NbdLimits;
  readonly clock: Clock;
  /** Number of the connection in the whole server, from 1. */
  readonly connectionId: number;
  /** Where the client comes from, for the journal. */
  readonly address: string;
  /** Faults of one transmission phase, outermost last. Asked once, after GO or EXPORT_NAME. */
  readonly filters?: (exportName: string, connection: ExportConnection) => readonly OutputFilter[];
}
