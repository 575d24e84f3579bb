/** A thread that plays cells for `backlot sweep`: a simulator of its own, one batch after the other. */
import { parentPort } from 'node:worker_threads';
import { createSweepLane } from '../../harness/sweep/lane.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import { seamsOfMutant } from './mutant-seams.ts';
import { type SweepAnswer, type SweepQuestion } from './sweep-lanes.ts';

const port = parentPort;
if (port === null) throw new Error('sweep-worker runs as a worker thread only');
// What fails on purpose fails by the thousand, and nothing that a run tells has a stack in it.
Error.stackTraceLimit = 0;
const simulator = await createSimulator();
const lane = createSweepLane(simulator, seamsOfMutant);
port.on('message', ({ task, cells }: SweepQuestion) => {
  const answer = (said: SweepAnswer): void => port.postMessage(said);
  lane(task, cells).then(
    (results) => answer({ results }),
    (error: unknown) => answer({ error: error instanceof Error ? (error.stack ?? '') : String(error) }),
  );
});
