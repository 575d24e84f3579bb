/** A thread that explores races for `backlot race`: a simulator of its own, one race after the other. */
import { parentPort } from 'node:worker_threads';
import { exploreRace, type RaceTask } from '../../harness/explore/race-task.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';

const port = parentPort;
if (port === null) throw new Error('race-worker runs as a worker thread only');
const simulator = await createSimulator();
port.on('message', (task: RaceTask) => {
  exploreRace(simulator, task).then(
    (report) => port.postMessage({ report }),
    (error: unknown) => port.postMessage({ error: error instanceof Error ? error.stack : String(error) }),
  );
});
