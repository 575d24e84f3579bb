/** How a command ends: 0 done, 1 it did not succeed, 2 wrong use, 3 the surroundings do not let it, 70 our own bug. */
import { RepositoryBusy, PointNotFound, PruneRefused } from '../../repository/errors.ts';
import { StorageFailure } from '../../repository/storage-failure.ts';
import { JobAborted, JobFailed, Refusal } from '../../engine/job-failed.ts';
import { Setback } from '../../engine/setback.ts';
import { NbdConnectionLost, NbdProtocolError, NbdRefused, NbdTlsError } from '../../nbd/client/errors.ts';
import { TransportError } from '../../sdk/http-transport.ts';
import { ProtocolError } from '../../sdk/protocol-error.ts';
import { CliError, EXIT } from '../cli-error.ts';
import { ScpError, TaskFailed, TaskTimeout } from '../../sdk/scp-error.ts';

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface Verdict {
  readonly exitCode: ExitCode;
  /** What to do next; may be empty. */
  readonly hint: string;
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** First match decides. */
const VERDICTS: readonly (readonly [ErrorClass, Verdict])[] = [
  [
    JobAborted,
    { exitCode: EXIT.findings, hint: 'what the job had made was released; run it again any time' },
  ],
  [
    TransportError,
    {
      exitCode: EXIT.environment,
      hint: 'check --scp, the network, and that its certificate is trusted (--ca FILE, or --insecure)',
    },
  ],
  [
    NbdTlsError,
    {
      exitCode: EXIT.environment,
      hint: "the host's certificate is not of the cluster's CA or names another host; do not go on before you know why",
    },
  ],
  [
    NbdConnectionLost,
    { exitCode: EXIT.environment, hint: 'check the data network to the host and --nbd-port' },
  ],
  [NbdRefused, { exitCode: EXIT.findings, hint: 'check that --transport fits the cluster' }],
  [Refusal, { exitCode: EXIT.findings, hint: '' }],
  [Setback, { exitCode: EXIT.findings, hint: 'run it again later' }],
  [PointNotFound, { exitCode: EXIT.usage, hint: 'backlot points --repo DIR lists what there is' }],
  [PruneRefused, { exitCode: EXIT.findings, hint: '' }],
  [RepositoryBusy, { exitCode: EXIT.environment, hint: 'wait until the other process is done' }],
  [StorageFailure, { exitCode: EXIT.environment, hint: 'check space and permissions of the --repo folder' }],
  [TaskFailed, { exitCode: EXIT.findings, hint: 'the platform gives the reason; its task log may say more' }],
  [TaskTimeout, { exitCode: EXIT.findings, hint: "look at the platform's task log" }],
  [
    ProtocolError,
    { exitCode: EXIT.findings, hint: 'the platform breaks its contract; is it a known version?' },
  ],
  [NbdProtocolError, { exitCode: EXIT.findings, hint: 'the data service breaks its protocol' }],
  [RangeError, { exitCode: EXIT.usage, hint: '' }],
];

export interface Explanation extends Verdict {
  readonly message: string;
  readonly warnings: readonly string[];
}

export function explainFailure(error: unknown): Explanation {
  const failed = error instanceof JobFailed ? error : undefined;
  const cause = failed?.cause ?? error;
  const verdict = verdictOf(cause);
  return {
    exitCode: verdict.exitCode,
    message: error instanceof Error ? error.message : String(error),
    hint: failed?.hint || verdict.hint,
    warnings: failed?.warnings ?? [],
  };
}

function verdictOf(error: unknown): Verdict {
  if (error instanceof CliError) return { exitCode: error.exitCode as ExitCode, hint: error.advice ?? '' };
  if (error instanceof ScpError) return verdictOfRefusal(error);
  const known = VERDICTS.find(([type]) => error instanceof type);
  return (
    known?.[1] ?? { exitCode: EXIT.internal, hint: 'this looks like a bug of backlot; please report it' }
  );
}

function verdictOfRefusal(error: ScpError): Verdict {
  if (error.status === 401)
    return { exitCode: EXIT.environment, hint: 'check the credentials and that the account is not locked' };
  if (error.status === 403)
    return {
      exitCode: EXIT.environment,
      hint: 'the account needs the permissions of the "Agentless Backup Template"',
    };
  return { exitCode: EXIT.findings, hint: '' };
}
