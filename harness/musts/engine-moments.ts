/** Steps and accidents of a story's engines, with the place in the journal at which they came. */
import type { Incident } from '../runner/incidents.ts';
import { ENGINE_NAMES, type EngineName } from '../runner/scenario-schema.ts';
import type { Story } from '../runner/story.ts';

export type EngineMoment = {
  /** Position that the next journal entry got. */
  readonly n: number;
  readonly engine: EngineName;
} & ({ readonly kind: 'step'; readonly step: string } | Incident);

/** The list grows while the story goes on. */
export function watchMoments(story: Story): readonly EngineMoment[] {
  const moments: EngineMoment[] = [];
  for (const engine of ENGINE_NAMES) {
    const { checkpoints, incidents } = story.installation(engine);
    let current = '';
    checkpoints.watch(({ step }) => {
      // A step tells of itself for every block that it moves.
      if (step !== current) moments.push({ n: story.position, engine, kind: 'step', step });
      current = step;
    });
    incidents.watch((incident) => {
      current = '';
      moments.push({ n: story.position, engine, ...incident });
    });
  }
  return moments;
}
