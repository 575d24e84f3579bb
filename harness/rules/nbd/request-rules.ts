/** What is asked over a connection to the data service, and how it ends. */
import { judgeEach } from '../judging.ts';
import type { NbdConnection, NbdRequest, Observation } from '../observation.ts';
import { isKilledBetween, jobsAt } from '../readings/jobs.ts';
import { WRITES } from '../readings/disk-io.ts';
import type { Rule } from '../rule-api.ts';

const PROTOCOL = 'NBD protocol, proto.md';

export const NBD_REQUEST_RULES: readonly Rule[] = [
  {
    id: 'NBD-5',
    title: 'asks for no byte past the end of a disk, and for at most 32 MiB at once',
    level: 'must',
    clause:
      'A request lies within the size that the service announced. Without another word of the service, 32 MiB is the largest payload; more may end the connection.',
    source: `${PROTOCOL}, size constraints`,
    fidelity: 'documented',
    breaks:
      'The last block of a disk whose size is no multiple of the block size is never read, or the connection is lost in the middle of a large read.',
    evidence: 'nbd.request lengths, and nbd.reply errors that no planned fault explains',
    remedy:
      'Clip the last range to the size from the negotiation, and split what is longer than the largest payload.',
    scenarios: ['S003-holes-and-odd-sizes', 'S030-restore-over-the-server'],
    mutants: ['reads-whole-blocks-at-the-end'],
    judge: (seen) =>
      judgeEach(dataRequests(seen), (request) => {
        const wrong = whatIsOutOfBounds(request);
        const isPlanned = seen.faults.some(
          ({ on, n }) => on === 'nbd' && n >= request.n && n <= (request.reply?.n ?? request.n),
        );
        return wrong === undefined || isPlanned
          ? undefined
          : {
              at: request.n,
              expected: 'a request within the disk, of 1 byte to 32 MiB',
              actual: `${request.command} of ${request.length} bytes at ${request.offset}${wrong}`,
              evidence: request.reply === undefined ? [] : [request.reply.n],
            };
      }),
  },
  {
    id: 'NBD-6',
    title: 'says DISC when it has no more to ask, and does not just drop the connection',
    level: 'should',
    clause:
      'A client ends transmission with the command DISC, which lets the service finish and free what it holds for the connection.',
    source: `${PROTOCOL}, terminating the transmission phase`,
    fidelity: 'documented',
    breaks:
      'The host keeps a slot for a connection that nobody uses until it notices, and refuses the next job meanwhile.',
    evidence:
      'nbd.close with the reason that the client was gone, of connections on which all had been answered, in jobs that succeeded',
    remedy: 'Send DISC, wait a moment for the service to close, then close the socket.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['drops-its-connections'],
    judge: (seen) =>
      judgeEach(undisturbed(seen), ({ n, end, endedWhy }) =>
        endedWhy.startsWith('client gone') && end !== undefined
          ? { at: end.n, expected: 'DISC before the connection is closed', actual: endedWhy, evidence: [n] }
          : undefined,
      ),
  },
  {
    id: 'NBD-7',
    title: 'asks for block status only where it has agreed on a meta context',
    level: 'must',
    clause:
      'BLOCK_STATUS is allowed when SET_META_CONTEXT for the same export was answered before; otherwise it is an error.',
    source: `${PROTOCOL}, metadata querying`,
    fidelity: 'documented',
    breaks:
      'The answer is an error or, on lenient servers, a guess: holes that are none are skipped, and the backup has zeros where data was.',
    evidence: 'nbd.request BLOCK_STATUS against the nbd.option entries of its connection',
    remedy:
      'Negotiate base:allocation with SET_META_CONTEXT after STRUCTURED_REPLY, and read everything where it is not granted.',
    scenarios: ['S004-many-disks-cbt-on-some', 'S030-restore-over-the-server'],
    mutants: ['block-status-without-context'],
    judge: (seen) =>
      judgeEach(withStatusRequests(seen), ({ options, export: name, first }) => {
        const isAgreed = options.some(
          (option) =>
            option.option === 'SET_META_CONTEXT' && option.reply === 'ACK' && option.export === name,
        );
        return isAgreed
          ? undefined
          : {
              at: first.n,
              expected: `SET_META_CONTEXT for ${name ?? 'the export'} before the first BLOCK_STATUS`,
              actual: 'BLOCK_STATUS without a meta context',
            };
      }),
  },
  {
    id: 'NBD-8',
    title: 'writes nothing to a disk that it backs up',
    level: 'must',
    clause:
      'A backup resource of type backup serves a snapshot, to be read. Writing belongs to resources of type restore.',
    source: 'SCP guide, backup resources: the snapshot is mounted for backup, the disk itself for restore',
    fidelity: 'documented',
    breaks: 'On a platform that lets it through, the image that is being backed up changes under the reader.',
    evidence: 'nbd.request WRITE, WRITE_ZEROES and TRIM on connections to resources of type backup',
    remedy: 'Open exports for backup read-only; take a resource of type restore to write.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['writes-to-what-it-backs-up'],
    judge: (seen) =>
      judgeEach(
        seen.connections.filter(({ resource }) => resource?.type === 'backup'),
        ({ requests, n }) => {
          const write = requests.find(({ command }) => WRITES.has(command));
          return write === undefined
            ? undefined
            : {
                at: write.n,
                expected: 'reads only',
                actual: `${write.command} of ${write.length} bytes at ${write.offset}`,
                evidence: [n],
              };
        },
      ),
  },
  {
    id: 'NBD-9',
    title: 'sends nothing after DISC',
    level: 'must',
    clause:
      'DISC is the last request of a connection; the service need not read what follows, and answers none of it.',
    source: `${PROTOCOL}, NBD_CMD_DISC`,
    fidelity: 'documented',
    breaks: 'Requests that were sent behind DISC are never answered. A writer believes them done.',
    evidence: 'nbd.close with the reason that bytes came after the disconnect',
    remedy: 'Wait for the answers to all requests, then send DISC, then close.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['asks-after-goodbye'],
    judge: (seen) =>
      judgeEach(
        seen.connections.filter(({ requests }) => requests.some(({ command }) => command === 'DISC')),
        ({ end, endedWhy, requests }) =>
          endedWhy === AFTER_DISCONNECT
            ? {
                at: end?.n ?? 0,
                expected: 'the end of the connection after DISC',
                actual: 'more bytes came',
                evidence: requests.filter(({ command }) => command === 'DISC').map(({ n }) => n),
              }
            : undefined,
      ),
  },
  {
    id: 'NBD-10',
    title: 'has at most 16 connections to one host open at once',
    level: 'should',
    clause:
      'A host serves a limited number of disks to backups at once, 16 unless its administrator changed it.',
    source: 'HCI throttle settings, disks per host; that a disk counts by its connections is assumed',
    fidelity: 'observed',
    breaks: 'Connections beyond the limit are refused, and jobs that began together fail together.',
    evidence: 'nbd.open and nbd.close of connections whose resources are served by the same host',
    remedy: 'Keep one limit per host for the whole product, and queue what exceeds it.',
    scenarios: ['S035-two-servers-at-once', 'S036-guest-writes-during-the-backup'],
    mutants: ['floods-a-host-with-connections'],
    judge: (seen) =>
      judgeEach(opened(seen), (connection) => {
        const together = opened(seen).filter((other) => isOpenWith(other, connection));
        return together.length <= MOST_CONNECTIONS
          ? undefined
          : {
              at: connection.n,
              expected: `at most ${MOST_CONNECTIONS} connections to one host`,
              actual: `${together.length} to ${connection.resource?.host ?? 'one host'}`,
              evidence: together.slice(0, 3).map(({ n }) => n),
            };
      }),
  },
];

/** What the data service notes when a client goes on after DISC. */
const AFTER_DISCONNECT = 'bytes after the disconnect';
const MOST_CONNECTIONS = 16;
const MOST_BYTES = 32 * 1024 * 1024;
/** EINVAL, EOVERFLOW. ENOSPC may as well mean a full datastore. */
const BOUNDS: ReadonlySet<number> = new Set([22, 75]);
const SIZED: ReadonlySet<string> = new Set(['READ', ...WRITES]);
const WITH_PAYLOAD: ReadonlySet<string> = new Set(['READ', 'WRITE']);

function dataRequests({ connections }: Observation): readonly NbdRequest[] {
  return connections.flatMap(({ requests }) => requests.filter(({ command }) => SIZED.has(command)));
}

function whatIsOutOfBounds({ command, length, reply }: NbdRequest): string | undefined {
  if (length === 0) return '';
  if (WITH_PAYLOAD.has(command) && length > MOST_BYTES) return '';
  return reply !== undefined && BOUNDS.has(reply.error)
    ? ` was answered with error ${reply.error}`
    : undefined;
}

type WithStatus = NbdConnection & { readonly first: NbdRequest };

function withStatusRequests({ connections }: Observation): readonly WithStatus[] {
  return connections.flatMap((connection) => {
    const first = connection.requests.find(({ command }) => command === 'BLOCK_STATUS');
    return first === undefined ? [] : [{ ...connection, first }];
  });
}

/** Connections that ended in a job that succeeded, with all answered well and nothing planned in their way. */
function undisturbed(seen: Observation): readonly NbdConnection[] {
  return seen.connections.filter(({ n, end, export: name, requests }) => {
    if (name === undefined || end === undefined) return false;
    const isAnswered = requests.every(({ command, reply }) => command === 'DISC' || reply?.error === 0);
    const jobs = jobsAt(seen, end.n);
    const isGood = jobs.length > 0 && jobs.every(({ outcome }) => outcome === 'succeeds');
    const isStruck = seen.faults.some((fault) => fault.n > n && fault.n < end.n);
    return isAnswered && isGood && !isStruck && !isKilledBetween(seen, undefined, n, end.n);
  });
}

function opened({ connections }: Observation): readonly NbdConnection[] {
  return connections.filter(({ resource }) => resource?.host !== undefined);
}

/** Whether `other` was open when `connection` opened, at the same host; a connection is with itself. */
function isOpenWith(other: NbdConnection, connection: NbdConnection): boolean {
  if (other.resource?.host !== connection.resource?.host || other.n > connection.n) return false;
  return other.end === undefined || other.end.n > connection.n;
}
