/** What is to be said of one kind of fault. */
import type { FaultFields } from './fault-fields.ts';

/**
 * `rest`: operations of the API. `nbd`: the data plane. `guest`: hot-added devices in a proxy's guest. `task`: steps of
 * tasks. `lease`: the instant at which a backup resource has a certain time left.
 */
export type FaultPlace = 'rest' | 'nbd' | 'guest' | 'task' | 'lease';

export interface KindRow {
  readonly places: readonly FaultPlace[];
  /** The only operations at which it means something; all of its places when absent. */
  readonly operations?: readonly string[];
  /** Fields of the kind, beside `kind` and those that every fault has. */
  readonly fields: FaultFields;
  /** One sentence. */
  readonly what: string;
  /** What it stands for in a real installation, and what does not happen. */
  readonly model: string;
  /** A fault of this kind as a scenario file has it. */
  readonly example: Readonly<Record<string, string | number>>;
}
