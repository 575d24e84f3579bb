/** The lane of the engines in a timeline: their steps, and what befell them. Watched, since no journal tells of it. */
import { COMMON_LANES, type Mark } from '../report/timeline-marks.ts';
import type { Incident } from '../runner/incidents.ts';
import { ENGINE_NAMES, type EngineName } from '../runner/scenario-schema.ts';
import type { Story } from '../runner/story.ts';

/** Marks in the order in which they come; the list grows while the story goes on. */
export function watchEngines(story: Story): readonly Mark[] {
  const marks: Mark[] = [];
  for (const engine of ENGINE_NAMES) {
    const who = engine === 'first' ? '' : `${engine}: `;
    const add = (text: string, tone?: Mark['tone']): void => {
      marks.push({
        n: story.position,
        t: story.clock.now(),
        lane: COMMON_LANES.engine.key,
        text: who + text,
        ...(tone === undefined ? {} : { tone }),
      });
    };
    watchEngine(story, engine, add);
  }
  return marks;
}

function watchEngine(
  story: Story,
  engine: EngineName,
  add: (text: string, tone?: Mark['tone']) => void,
): void {
  const { checkpoints, incidents } = story.installation(engine);
  let current = '';
  checkpoints.watch(({ step }) => {
    // A step tells of itself for every block that it moves.
    if (step !== current) add(step);
    current = step;
  });
  incidents.watch((incident) => {
    if (incident.kind === 'process-starts') current = '';
    if (incident.kind !== 'process-starts') add(textOf(incident), 'fault');
    else if (incident.life > 1) add(textOf(incident));
  });
}

function textOf(incident: Incident): string {
  switch (incident.kind) {
    case 'process-starts':
      return `process ${incident.life} starts`;
    case 'killed':
      return incident.isPowerCut ? 'KILLED by a power cut' : 'KILLED';
    case 'clock-jumps':
      return `CLOCK JUMPS ${incident.byMs / 1000} s`;
    case 'storage-fails':
      return `STORAGE FAILS: ${incident.operation} ${incident.path}`;
  }
}
