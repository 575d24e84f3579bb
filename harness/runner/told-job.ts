/** A job as the journal tells of it: when an engine is given one, and how it ended. */
import type { JournalEvent } from '../../src/kernel/journal.ts';
import { describeChain } from './error-chain.ts';
import type { EngineName } from './scenario-schema.ts';
import type { Story } from './story.ts';

type JobEvent = Extract<JournalEvent, { type: 'job' }>;

/** What is known of a job besides who does it. */
export type JobFacts = Pick<JobEvent, 'transport' | 'server' | 'point' | 'mode'>;

export interface ToldJob {
  readonly succeeds: (facts?: JobFacts) => void;
  readonly fails: (error: unknown) => void;
}

/** Call it before the engine is asked. That the engine is killed meanwhile is told without being asked. */
export function tellJob(
  story: Story,
  engine: EngineName,
  operation: JobEvent['operation'],
  given: JobFacts = {},
): ToldJob {
  const installation = story.installation(engine);
  const job = ++story.jobs;
  const { journal } = story.world;
  let isOver = false;
  const tell = (phase: JobEvent['phase'], facts: JobFacts & { readonly error?: string } = {}): void => {
    if (isOver) return;
    isOver = phase !== 'begins';
    const { actor } = installation;
    journal.append({ type: 'job', engine, job, operation, phase, actor, ...given, ...facts });
  };
  tell('begins');
  // At the end of a story its engines die too; nobody is to hear of that.
  void installation.death.then(() => installation.isOver || tell('killed'));
  return {
    succeeds: (facts) => tell('succeeds', facts),
    fails: (error) => tell('fails', { error: describeChain(error) }),
  };
}
