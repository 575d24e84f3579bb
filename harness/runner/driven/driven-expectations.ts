/** What of a step's expectations holds for somebody else's engine too. */
import type { StepBodies } from '../scenario-schema.ts';
import type { Story } from '../story.ts';

type Expectation = NonNullable<
  StepBodies['backup']['expect'] &
    StepBodies['restore']['expect'] &
    StepBodies['cleanup']['expect'] &
    StepBodies['unprotect']['expect']
>;

/**
 * Whether the job succeeds. The rest (warnings, classes of errors, methods, bytes per disk, renewals) is what the
 * reference engine tells of itself, or its own choice.
 */
export function asJudged<Some extends Partial<Expectation>>(
  story: Story,
  expect: Some | undefined,
): Partial<Some> {
  if (expect === undefined) return {};
  if (!story.installation().isDriven) return expect;
  const { result } = expect;
  return (result === undefined ? {} : { result }) as Partial<Some>;
}

/** Somebody else's engine may ask for less, or in other pieces, than a fault was planned for: then nothing struck it. */
export function hasEvaded({ driven, hosted, mayMiss }: Story): boolean {
  if (driven === undefined) return false;
  return hosted.faults.list().some(({ id, fired }) => fired === 0 && !mayMiss.has(id));
}
