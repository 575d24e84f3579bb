/** The power of proxy VMs. */
import { judgeEach } from '../judging.ts';
import type { Call, HotAddedLife, Observation } from '../observation.ts';
import { callsOf, isDone } from '../read-calls.ts';
import { hotAddCallsOf, isAttachedAt } from '../readings/hot-add-calls.ts';
import { powerAt } from '../readings/power.ts';
import type { Rule } from '../rule-api.ts';

export const HOTADD_PROXY_RULES: readonly Rule[] = [
  {
    id: 'HOTADD-12',
    title: 'powers off only a proxy that it has started and that nobody uses',
    level: 'must',
    clause:
      'A backup proxy may be powered off when it has no other backup or recovery tasks. Powering it off takes every hot-added disk away.',
    source: 'Vendor workflow, HotAdd, steps b and f',
    fidelity: 'documented',
    breaks:
      "Other jobs on the proxy lose their disks in mid-read, or an administrator's VM is off in the morning.",
    evidence:
      'rest.request servers.stop for a proxy: who had started it, and which disks were attached when the engine last looked',
    remedy:
      'Note durably that you started it; before powering off look at its configuration, and leave it on when it shows any hot-added disk.',
    scenarios: ['S063-proxy-started-for-the-job', 'S064-proxy-in-use-by-others'],
    mutants: ['powers-off-a-busy-proxy'],
    needs: ['hotadd'],
    judge: (seen) =>
      judgeEach(
        callsOf(seen, 'servers.stop').filter(({ server = '' }) => proxiesOf(seen).has(server)),
        (call) => {
          const started = callsOf(seen, 'servers.start').some(
            (start) => start.n < call.n && start.server === call.server && start.actor === call.actor,
          );
          if (!started)
            return {
              at: call.n,
              expected: 'a proxy that this engine has started',
              actual: 'somebody else had',
            };
          const inUse = usersKnown(seen, call);
          return inUse === undefined
            ? undefined
            : {
                at: call.n,
                expected: 'a proxy without hot-added disks',
                actual: `disk ${inUse.id} was attached`,
                evidence: [inUse.n],
              };
        },
      ),
  },
  {
    id: 'HOTADD-13',
    title: 'powers a proxy off again that it has started, once it is idle',
    level: 'should',
    clause:
      'When the backup proxy has no more tasks it can be powered off, to give its processors and memory back to the cluster. The step is optional.',
    source: 'Vendor workflow, HotAdd, step f',
    fidelity: 'documented',
    breaks: 'Proxies pile up that run for nothing, on clusters that were sized without them.',
    evidence:
      'the power state of a proxy that the engine has started, at the end of its last job, when that succeeded',
    remedy: 'Note what was started, and power it off at the end of the last job that uses it.',
    scenarios: ['S063-proxy-started-for-the-job'],
    mutants: ['never-powers-off'],
    needs: ['hotadd'],
    judge: (seen) =>
      judgeEach(startedProxies(seen), (start) => {
        const proxy = start.server ?? '';
        const last = seen.jobs.findLast(({ actor }) => actor === start.actor);
        if (last?.outcome !== 'succeeds' || last.end === undefined) return undefined;
        const endN = last.end.n;
        const isBusy = seen.hotAdded.some((life) => life.proxy === proxy && isAttachedAt(life, endN));
        const isAsked = callsOf(seen, 'servers.stop').some(
          ({ n, server }) => n > start.n && server === proxy,
        );
        return isBusy || isAsked || powerAt(seen, proxy, endN) !== 'running'
          ? undefined
          : {
              at: endN,
              expected: `proxy ${proxy}, which this engine has started, off`,
              actual: 'it is running, and has no disk of anybody',
              evidence: [start.n],
            };
      }),
  },
];

function proxiesOf(seen: Observation): ReadonlySet<string> {
  return new Set([
    ...seen.hotAdded.map(({ proxy }) => proxy),
    ...hotAddCallsOf(seen).map(({ proxy }) => proxy),
  ]);
}

/** A disk that came after the engine had looked could not be known. */
function usersKnown(seen: Observation, call: Call): HotAddedLife | undefined {
  const look = seen.calls.findLast(
    ({ n, operation, server, actor }) =>
      n < call.n && operation === 'servers.get' && server === call.server && actor === call.actor,
  );
  const lookedAt = look?.reply?.n ?? call.n;
  return seen.hotAdded.find(
    (life) => life.proxy === call.server && life.n < lookedAt && isAttachedAt(life, call.n),
  );
}

/** Where the platform says that this very call started it. */
function startedProxies(seen: Observation): readonly Call[] {
  const proxies = proxiesOf(seen);
  return callsOf(seen, 'servers.start').filter(
    (call) =>
      proxies.has(call.server ?? '') &&
      isDone(call) &&
      seen.states.some(
        ({ entity, id, to, n }) =>
          entity === 'server' &&
          id === call.server &&
          to === 'starting' &&
          n > call.n &&
          n < (call.reply?.n ?? 0),
      ),
  );
}
