/** A thread that plays scenarios for `backlot run`: a simulator of its own, one task after the other. */
import { parentPort } from 'node:worker_threads';
import { createLane, type SuiteTask } from '../../harness/runner/run-suite.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import { LANE_OUTFIT } from './lane-outfit.ts';

const port = parentPort;
if (port === null) throw new Error('this runs as a worker thread only');
const simulator = await createSimulator();
const lane = createLane({ simulator, ...LANE_OUTFIT });
port.on('message', (task: SuiteTask) => {
  lane(task).then(
    (result) => port.postMessage({ result }),
    (error: unknown) => port.postMessage({ error: error instanceof Error ? error.stack : String(error) }),
  );
});
