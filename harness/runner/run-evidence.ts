/** What a result keeps of a run that did not pass, small enough for a report. */

/** First block and number of blocks. */
export type BlockRange = readonly [first: number, count: number];

/** The disk of a byte failure, in blocks. */
export interface DiskMap {
  /** `vm1/ide0` */
  readonly disk: string;
  readonly sizeBytes: number;
  readonly blockBytes: number;
  /** Blocks that hold data in the image that was expected. */
  readonly allocated: readonly BlockRange[];
  /** Blocks of which the engine asked whether they have changed, and was answered. */
  readonly asked: readonly BlockRange[];
  /** Blocks that the platform answered to the question what has changed. */
  readonly changed: readonly BlockRange[];
  /** An answer was too long for the journal: more has changed than `changed` tells. */
  readonly isChangedPartly?: true;
  /** Blocks that the engine read in the backup ... */
  readonly read: readonly BlockRange[];
  /** ... and wrote in the restore. */
  readonly written: readonly BlockRange[];
  /** Blocks in which bytes are wrong. */
  readonly wrong: readonly BlockRange[];
}

export interface TimelineRow {
  /** Position in the journal; what no entry tells of has that of the next one. */
  readonly n: number;
  /** Time of the world since the beginning of the story. */
  readonly ms: number;
  /** Which of the timeline's lanes. */
  readonly lane: number;
  readonly text: string;
  /** `fault`: somebody broke something on purpose. `bad`: something was refused, failed or was lost. */
  readonly tone?: 'bad' | 'fault';
  /** Something goes on in this lane from here ... */
  readonly begins?: string;
  /** ... and these have come to their end. */
  readonly ends?: readonly string[];
}

export interface TimelineData {
  readonly lanes: readonly { readonly key: string; readonly title: string }[];
  readonly rows: readonly TimelineRow[];
  /** Rows that were left out in the middle of a long story. */
  readonly omitted: number;
}
