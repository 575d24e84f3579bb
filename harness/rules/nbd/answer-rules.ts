/** What becomes of reads that were not answered, or answered with an error. */
import { judgeEach } from '../judging.ts';
import type { Observation } from '../observation.ts';
import { type DiskIo, diskIoOf } from '../readings/disk-io.ts';
import { attemptsOf } from '../readings/attempts.ts';
import { describeRange, unionOf, withoutRanges } from '../readings/ranges.ts';
import type { Judgement, Rule } from '../rule-api.ts';

export const NBD_ANSWER_RULES: readonly Rule[] = [
  {
    id: 'NBD-11',
    title: 'repeats exactly what a broken connection left unanswered',
    level: 'must',
    clause:
      'A request without a complete answer has brought nothing. Its whole range is asked for again, on another connection, or the job fails.',
    source: 'NBD protocol, proto.md, transmission phase; SFVDDK, read',
    fidelity: 'documented',
    breaks:
      'A restore point has zeros, or half a block, where a connection broke. Nobody sees it until it is restored.',
    evidence:
      'nbd.request READ without nbd.reply, against the reads of the same disk under the same resource, in jobs that succeeded',
    remedy:
      'Keep a request until its answer is complete; on a break repeat it from its first byte, a bounded number of times.',
    scenarios: ['S017-connection-drops-in-mid-reply', 'S018-server-falls-silent'],
    mutants: ['retry-skips-the-range'],
    judge: (seen) => judgeUncovered(seen, ({ error }) => error === undefined, 'was never answered'),
  },
  {
    id: 'NBD-12',
    title: 'takes a read error for an error, not for zeros',
    level: 'must',
    clause:
      'An errno in the answer means that the data could not be read. It is repeated with success, or the job fails.',
    source: 'NBD protocol, proto.md, error values',
    fidelity: 'documented',
    breaks: 'A failing disk is backed up as an empty one, and the job says that all is well.',
    evidence:
      'nbd.reply with an error to READ, against the reads of the same disk under the same resource, in jobs that succeeded',
    remedy: 'Let an error of the data path end the attempt; never fill a range that could not be read.',
    scenarios: ['S037-disk-read-error', 'S071-failed-read-while-others-run'],
    mutants: ['unreadable-reads-as-zeros'],
    judge: (seen) =>
      judgeUncovered(seen, ({ error }) => error !== undefined && error !== 0, 'was answered with an error'),
  },
];

interface Disk {
  readonly counts: boolean;
  readonly failed: readonly DiskIo[];
  readonly good: readonly DiskIo[];
}

/** A job that fails, or begins anew, has drawn the consequence. */
function judgeUncovered(seen: Observation, hasFailed: (io: DiskIo) => boolean, how: string): Judgement {
  return judgeEach(disksWithTrouble(seen, hasFailed), ({ counts, failed, good }) => {
    const read = unionOf(good.map(({ range }) => range));
    const lost = failed.find(({ range }) => withoutRanges([range], read).length > 0);
    return lost === undefined || !counts
      ? undefined
      : {
          at: lost.n,
          expected: 'the range read again, or a job that fails',
          actual: `${describeRange(lost.range)} of ${lost.device} ${how} and was not read again; the job succeeded`,
        };
  });
}

function disksWithTrouble(seen: Observation, hasFailed: (io: DiskIo) => boolean): readonly Disk[] {
  const attempts = new Map(
    attemptsOf(seen)
      .filter(({ job }) => job.operation === 'backup')
      .map((attempt) => [attempt.resource.id, attempt]),
  );
  const reads = diskIoOf(seen).filter(({ command }) => command === 'READ');
  const byDisk = Map.groupBy(reads, ({ resource, device }) => `${resource}/${device}`);
  return [...byDisk.values()].flatMap((all) => {
    const failed = all.filter(hasFailed);
    const attempt = attempts.get(all[0]?.resource ?? '');
    if (failed.length === 0 || attempt === undefined) return [];
    return [{ counts: attempt.counts, failed, good: all.filter(({ error }) => error === 0) }];
  });
}
