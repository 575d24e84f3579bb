/** The whole script of a seed, drawn before anything is played. */
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import type { Transport } from '../../src/engine/engine-api.ts';
import { createRng } from '../../src/kernel/rng.ts';
import type { Scenario, StepNode } from '../runner/scenario-schema.ts';
import { groundOf, planSweep } from '../sweep/sweep.ts';
import { drawBusyWorld, TRANSPORTS } from './busy-world.ts';
import { type Census, takeCensus, type WorldTraits } from './census.ts';
import { type Chances, chancesOf, drawAttack } from './draw-attack.ts';
import type { SwarmGround, SwarmScript, WorldSize } from './swarm-api.ts';

/** Draws the script of any seed on one ground; what is the same for all seeds is found out once. */
export type DrawScript = (seed: string) => SwarmScript;

/** @throws Error when the scenario fails without an attack */
export async function prepareDrawing(simulator: Simulator, ground: SwarmGround): Promise<DrawScript> {
  if ('size' in ground) {
    const census = await takeCensus(simulator);
    return (seed) => drawBusyScript(ground.size, census, seed);
  }
  const { scenario, transport } = ground;
  const { points, unsound } = await planSweep(simulator, { scenario, transport, seed: '1' }, {});
  if (unsound !== undefined) throw new Error(`${scenario.id} with ${transport}: ${unsound.reason}`);
  const chances = chancesOf(points, groundOf({ scenario, transport }));
  return (seed) => drawAttackOn(ground, chances, seed);
}

/** Entries of an attack, per backup or restore. */
const ENTRIES_PER_JOB: Readonly<Record<WorldSize, number>> = { 'busy-day': 0.25, 'busy-hours': 1.5 };

function drawBusyScript(size: WorldSize, { chancesIn, placeIn }: Census, seed: string): SwarmScript {
  const rng = createRng(`swarm/${size}/${seed}`);
  const scenario = drawBusyWorld(size, rng.fork('world'));
  const transport = rng.fork('transport').pick(TRANSPORTS);
  const traits = traitsOf(scenario, transport);
  const jobs = traits.nbdJobs + traits.hotAddJobs;
  const { families, attack } = drawAttack({
    chances: chancesIn(traits),
    entries: Math.max(2, Math.round(jobs * ENTRIES_PER_JOB[size])),
    rng: rng.fork('attack'),
    place: placeIn(traits),
  });
  return { scenario: { ...scenario, attack: [...attack] }, transport, families };
}

function traitsOf({ steps, engine }: Scenario, transport: Transport): WorldTraits {
  const all: readonly StepNode[] = steps.flatMap((step) => step.together?.flat() ?? [step]);
  const jobs = all.flatMap(({ backup, restore }) => backup ?? restore ?? []);
  const paths = jobs.map((job) => job.transport ?? transport);
  const hotAddJobs = paths.filter((path) => path === 'hotadd').length;
  return {
    nbdJobs: paths.length - hotAddJobs,
    hotAddJobs,
    isTls: paths.includes('nbdssl'),
    usesTokens: engine?.login === 'password',
  };
}

const MOST_ENTRIES = 5;

function drawAttackOn(
  { scenario, transport }: Exclude<SwarmGround, { size: WorldSize }>,
  chances: readonly Chances[],
  seed: string,
): SwarmScript {
  const rng = createRng(`swarm/${scenario.id}/${transport}/${seed}`);
  const { families, attack } = drawAttack({ chances, entries: rng.int(2, MOST_ENTRIES), rng });
  const under: Scenario = { ...scenario, attack: [...(scenario.attack ?? []), ...attack] };
  return { scenario: under, transport, families };
}
