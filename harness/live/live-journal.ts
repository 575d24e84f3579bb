/** Jobs of a live run, as the journal tells of them. */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { Journal, JournalEvent } from '../../src/kernel/journal.ts';

type JobEvent = Extract<JournalEvent, { type: 'job' }>;
export type JobFacts = Pick<JobEvent, 'server' | 'point' | 'mode'>;

export interface LiveJobs {
  /** Resolves as `work` does; what it says of its result goes into the entry of its end. */
  readonly run: <T>(
    job: { readonly operation: JobEvent['operation']; readonly transport: Transport } & JobFacts,
    work: () => Promise<T>,
    factsOf: (result: T) => JobFacts,
  ) => Promise<T>;
}

export function createLiveJobs(journal: Journal, actor: string): LiveJobs {
  let jobs = 0;
  return {
    async run({ operation, transport, ...facts }, work, factsOf) {
      const job = ++jobs;
      const about = { type: 'job', engine: transport, job, operation, actor, transport, ...facts } as const;
      journal.append({ ...about, phase: 'begins' });
      try {
        const result = await work();
        journal.append({ ...about, phase: 'succeeds', ...factsOf(result) });
        return result;
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        journal.append({ ...about, phase: 'fails', error: why });
        throw error;
      }
    },
  };
}
