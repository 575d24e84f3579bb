/**
 * Where a sweep meets the classic mistakes of backup engines. Whole families of attacks at every step of a scenario that
 * was made for no mistake in particular: which of the cells finds an engine out, nobody has said.
 */
export interface HuntingGround {
  /** Id of a mutant. */
  readonly mutant: string;
  /** The mistake, in the words that people have for it. */
  readonly mistake: string;
  /** Id of a scenario made for sweeping. */
  readonly scenario: string;
  /** Families of attacks, as `backlot sweep --faults` takes them. */
  readonly faults: readonly [string, ...string[]];
}

export const HUNTING_GROUNDS: readonly HuntingGround[] = [
  {
    mutant: 'renews-between-blocks',
    mistake: 'renewal between blocks only',
    scenario: 'W07-renewals',
    faults: ['delay'],
  },
  {
    mutant: 'base-moves-before-commit',
    mistake: 'base moved early',
    scenario: 'W02-incremental',
    faults: ['storage-fails'],
  },
  {
    mutant: 'first-page-only',
    mistake: 'first page of changes only',
    scenario: 'W01-full',
    faults: ['cbt-page-cut', 'cbt-expired'],
  },
  {
    mutant: 'lock-made-anew',
    mistake: 'resource made anew, old handles kept',
    scenario: 'W01-full',
    faults: ['expire-resource'],
  },
  {
    mutant: 'leftovers-in-the-wrong-order',
    mistake: 'clean-up in the wrong order',
    scenario: 'W08-verified',
    faults: ['kill'],
  },
  {
    mutant: 'retry-skips-the-range',
    mistake: 'retry that skips the range',
    scenario: 'W01-full',
    faults: ['drop-after-bytes', 'silence-after-bytes'],
  },
  {
    mutant: 'token-never-renewed',
    mistake: 'token never renewed',
    scenario: 'W02-incremental',
    faults: ['expire-tokens'],
  },
  {
    mutant: 'leftovers-of-others',
    mistake: 'leftovers of others deleted',
    scenario: 'W08-verified',
    faults: ['kill'],
  },
  {
    mutant: 'commits-a-partial-chunk',
    mistake: 'partial chunk committed',
    scenario: 'W01-full',
    faults: ['storage-fails'],
  },
  {
    mutant: 'hotadd-without-queue',
    mistake: 'HotAdd without a queue',
    scenario: 'W06-two-on-one-proxy',
    faults: ['refuse'],
  },
  {
    mutant: 'device-by-order',
    mistake: 'device taken by its order',
    scenario: 'W04-hotadd-full',
    faults: ['device-order', 'device-late'],
  },
  {
    mutant: 'success-after-failed-verify',
    mistake: 'success reported after a failed verification',
    scenario: 'W08-verified',
    faults: ['corrupt-payload'],
  },
];
