/** The end of a server's protection, and whether the engine says of it what was expected. */
import type { UnprotectJob, UnprotectResult } from '../../../src/engine/engine-api.ts';
import { asJudged } from '../driven/driven-expectations.ts';
import { checkWarnings, type Mismatch } from '../expectations.ts';
import { settle, tellEnd } from '../job-facts.ts';
import type { StepBodies } from '../scenario-schema.ts';
import type { Story } from '../story.ts';
import { type JobFacts, tellJob } from '../told-job.ts';
import { expectFailure, expectSuccess, raise } from './job-steps.ts';

type Expectation = NonNullable<StepBodies['unprotect']['expect']>;

export async function stepUnprotect(story: Story, body: StepBodies['unprotect']): Promise<void> {
  story.judgedSince.clear();
  const { engine = 'first' } = body;
  const { job, words } = unprotectOrder(story, body);
  const expect = asJudged(story, body.expect);
  const told = tellJob(story, engine, 'unprotect', words);
  const settled = await settle(story.installation(engine).process().engine.unprotect(job));
  tellEnd(told, settled);
  if (!settled.isDone) return expectFailure('unprotect', expect.result, expect.error, settled.error);
  expectSuccess(story, 'unprotect', expect.result, settled.value);
  raise(checkUnprotect(expect, settled.value));
}

/** The server may be gone, and is named all the same. */
export function unprotectOrder(
  story: Story,
  { server, force }: StepBodies['unprotect'],
): { readonly job: UnprotectJob; readonly words: JobFacts } {
  const name = server ?? story.scenario.world.servers[0]?.name ?? '';
  const found = story.world.servers.list().find((known) => known.name === name);
  return {
    job: { server: name, ...(force === undefined ? {} : { force }) },
    words: found === undefined ? {} : { server: found.id },
  };
}

function checkUnprotect(expect: Partial<Expectation>, result: UnprotectResult): Mismatch[] {
  const wanted: readonly (readonly [string, string | undefined, string])[] = [
    ['what became of tracking', expect.outcome, result.outcome],
    ['disks switched off', expect.disks && [...expect.disks].sort().join(), [...result.disks].sort().join()],
  ];
  const differing = wanted.flatMap(([what, expected, actual]) =>
    expected === undefined || expected === actual
      ? []
      : [{ expected: `${what}: ${expected || 'none'}`, actual: actual || 'none' }],
  );
  return [...differing, ...checkWarnings(expect.warnings, result.warnings)];
}
