/** How the jobs of a run ended, seen from outside of every engine. */
import type { CreateEngine } from '../runner/seams.ts';
import { errorChain } from '../runner/error-chain.ts';

export interface JobResult {
  readonly job: 'backup' | 'restore';
  /** Server or restore point. */
  readonly of: string;
  /** The names of the error and its causes, and what the last of them says; absent when the job succeeded. */
  readonly failure?: string;
}

/** Engines that tell `note` how each of their jobs ended. */
export function noteJobs(inner: CreateEngine, note: (result: JobResult) => void): CreateEngine {
  return (environment, options) => {
    const engine = inner(environment, options);
    const told = async <T>(job: JobResult['job'], of: string, work: Promise<T>): Promise<T> => {
      try {
        const result = await work;
        note({ job, of });
        return result;
      } catch (error) {
        note({ job, of, failure: rootOf(error) });
        throw error;
      }
    };
    return {
      backup: (job) => told('backup', job.server, engine.backup(job)),
      restore: (job) => told('restore', job.pointId, engine.restore(job)),
      unprotect: (job) => engine.unprotect(job),
      cleanup: () => engine.cleanup(),
    };
  };
}

function rootOf(error: unknown): string {
  const chain = errorChain(error);
  return `${chain.map(({ name }) => name).join(' <- ')}: ${chain.at(-1)?.message ?? ''}`;
}
