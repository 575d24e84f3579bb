/** A thread that plays seeds for `backlot swarm`: a simulator of its own, one seed after the other. */
import { parentPort } from 'node:worker_threads';
import type { SwarmTask } from '../../harness/swarm/swarm-api.ts';
import { createSwarmLane } from '../../harness/swarm/swarm.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import type { SwarmAnswer } from './swarm-lanes.ts';
import { seamsOfMutant } from './mutant-seams.ts';

const port = parentPort;
if (port === null) throw new Error('swarm-worker runs as a worker thread only');
const simulator = await createSimulator();
const lane = createSwarmLane(simulator, seamsOfMutant, () => performance.now());
port.on('message', (task: SwarmTask) => {
  const answer = (said: SwarmAnswer): void => port.postMessage(said);
  lane(task).then(
    (result) => answer({ result }),
    (error: unknown) => answer({ error: error instanceof Error ? (error.stack ?? '') : String(error) }),
  );
});
