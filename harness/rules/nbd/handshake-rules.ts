/** How a connection to the data service begins. */
import { judgeEach } from '../judging.ts';
import type { NbdConnection, Observation } from '../observation.ts';
import { jobsAt } from '../readings/jobs.ts';
import type { Rule } from '../rule-api.ts';

const PROTOCOL = 'NBD protocol, proto.md';

export const NBD_HANDSHAKE_RULES: readonly Rule[] = [
  {
    id: 'NBD-1',
    title:
      'goes no further when the certificate of the data service does not fit ca_cert of the backup resource',
    level: 'must',
    clause:
      'The backup resource names the CA of its cluster in ca_cert. A data service that shows a certificate of another CA, an expired one, or one for another host is not the platform.',
    source: 'SCP OpenAPI 6.11.1, backup-resources, ca_cert; SCP guide, NBDSSL',
    fidelity: 'documented',
    breaks:
      'Whoever sits between the backup machine and the host reads every disk that is backed up, and decides what is restored.',
    evidence:
      'nbd.option entries of a connection after the STARTTLS at which a planned fault made the service show a wrong certificate',
    remedy:
      'Give ca_cert (base64 of DER, without armour) to the TLS library as the only trusted CA, check the host, and end the connection when the handshake fails.',
    scenarios: ['S028-certificate-of-a-stranger', 'S029-expired-certificate'],
    mutants: ['any-certificate-will-do'],
    needs: ['nbdssl'],
    judge: (seen) =>
      judgeEach(deceived(seen), ({ options, startTls }) => {
        const next = options.find(({ n, option }) => n > startTls && option !== 'ABORT');
        return next === undefined
          ? undefined
          : {
              at: next.n,
              expected: 'the connection ends with the TLS handshake',
              actual: `it went on with ${next.option}`,
              evidence: [startTls],
            };
      }),
  },
  {
    id: 'NBD-2',
    title: 'encrypts an NBDSSL connection before it says anything else',
    level: 'must',
    clause:
      'NBDSSL is NBD inside TLS. STARTTLS is the first option; when the service refuses it, the connection ends, and there is no way back to plain NBD.',
    source: `${PROTOCOL}, TLS support; SCP guide, transport modes`,
    fidelity: 'documented',
    breaks:
      'A customer who chose NBDSSL has the content of its disks, or their names, on the wire in the clear.',
    evidence:
      'the first nbd.option of every connection that is opened while only jobs with transport nbdssl are at work',
    remedy: 'Send STARTTLS first, take every answer but ACK for the end, and forget what was agreed before.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['nbdssl-in-the-clear'],
    needs: ['nbdssl'],
    judge: (seen) =>
      judgeEach(meantToBeEncrypted(seen), ({ n, options }) => {
        const plain = options.find(({ isTls, option }) => !isTls && !HARMLESS.has(option));
        return plain === undefined
          ? undefined
          : {
              at: plain.n,
              expected: 'STARTTLS before any other option',
              actual: `${plain.option} in the clear`,
              evidence: [n],
            };
      }),
  },
  {
    id: 'NBD-3',
    title: 'opens the exports of a backup resource only when the resource runs',
    level: 'must',
    clause:
      'Creating a backup resource is a task; its id can be used when the task has ended. Only then does a host serve the disks.',
    source: 'SCP guide, tasks; SCP guide, backup resources',
    fidelity: 'documented',
    breaks:
      'The first connection is refused whenever the platform is a little slower than in the laboratory, and backups fail at random.',
    evidence:
      'nbd.option entries that name an export, against the state of its backup resource at that moment',
    remedy:
      'Wait for the task of the call, then read the resource until its status is running, then connect.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['does-not-wait-for-the-lock'],
    judge: (seen) =>
      judgeEach(naming(seen), ({ options, tooEarly }) => {
        const early = options.find(({ export: name, n }) => name !== undefined && tooEarly(name, n));
        return early === undefined
          ? undefined
          : {
              at: early.n,
              expected: 'a backup resource that runs',
              actual: `${early.option} for ${early.export ?? ''}, whose resource is still pending`,
            };
      }),
  },
  {
    id: 'NBD-4',
    title: 'sends no option that the service finds malformed or out of place',
    level: 'must',
    clause:
      'Options are well-formed and come in their order: STRUCTURED_REPLY before SET_META_CONTEXT, STARTTLS once, each after the final reply to the one before.',
    source: `${PROTOCOL}, fixed newstyle negotiation`,
    fidelity: 'documented',
    breaks:
      'Some servers answer, others drop the connection: the product works on one release of the platform and not on the next.',
    evidence: 'nbd.option entries that were answered with ERR_INVALID or ERR_TOO_BIG, or by hanging up',
    remedy:
      'Compare the bytes of the option named with the protocol: lengths, order, data where none belongs.',
    scenarios: ['S001-full-backup-and-restore'],
    mutants: ['option-with-stray-data'],
    judge: (seen) =>
      judgeEach(
        seen.connections.filter(({ options }) => options.length > 0),
        ({ options }) => {
          const refused = options.find(({ reply }) => MALFORMED.has(reply));
          return refused === undefined
            ? undefined
            : {
                at: refused.n,
                expected: 'an option that the service understands',
                actual: `${refused.option} was answered with ${refused.reply}`,
              };
        },
      ),
  },
];

const HARMLESS: ReadonlySet<string> = new Set(['STARTTLS', 'ABORT']);
const MALFORMED: ReadonlySet<string> = new Set(['ERR_INVALID', 'ERR_TOO_BIG', 'hang-up']);

type Deceived = NbdConnection & { readonly startTls: number };

/** Each strike belongs to the STARTTLS that is answered next: the certificate is asked for just before. */
function deceived({ faults, connections }: Observation): readonly Deceived[] {
  const strikes = faults.filter(({ kind }) => kind === 'bad-certificate').map(({ n }) => n);
  const upgrades = connections
    .flatMap((connection) => {
      const upgrade = connection.options.find(
        ({ option, reply }) => option === 'STARTTLS' && reply === 'ACK',
      );
      return upgrade === undefined ? [] : [{ ...connection, startTls: upgrade.n }];
    })
    .sort((a, b) => a.startTls - b.startTls);
  return strikes.flatMap((strike) => {
    const at = upgrades.findIndex(({ startTls }) => startTls > strike);
    return at < 0 ? [] : upgrades.splice(at, 1);
  });
}

function meantToBeEncrypted(seen: Observation): readonly NbdConnection[] {
  return seen.connections.filter(({ n, options }) => {
    const jobs = jobsAt(seen, n);
    const isAllTls = jobs.length > 0 && jobs.every(({ transport }) => transport === 'nbdssl');
    return isAllTls && options.length > 0;
  });
}

type Naming = NbdConnection & { readonly tooEarly: (exportName: string, n: number) => boolean };

function naming(seen: Observation): readonly Naming[] {
  const resources = new Map(seen.resources.map((resource) => [resource.id, resource]));
  const tooEarly = (exportName: string, n: number): boolean => {
    const resource = resources.get(exportName.slice(0, exportName.lastIndexOf('/')));
    if (resource === undefined || (resource.end !== undefined && resource.end.n < n)) return false;
    return resource.n < n && (resource.running === undefined || resource.running.n > n);
  };
  return seen.connections
    .filter(({ options }) => options.some((option) => option.export !== undefined))
    .map((connection) => ({ ...connection, tooEarly }));
}
