/** Keeps of a run what a report shows of it: of one that did not pass, the timeline and the maps of its disks. */
import { watchEngines } from '../replay/engine-marks.ts';
import { withTraffic } from '../runner/disk-map.ts';
import type { Finding, ScenarioResult } from '../runner/outcome.ts';
import type { RunRecord } from '../runner/run-once.ts';
import type { Violation } from '../rules/rule-api.ts';
import type { Story } from '../runner/story.ts';
import { timelineData } from './timeline-data.ts';

export function witnessRun(story: Story): (result: ScenarioResult, record: RunRecord) => ScenarioResult {
  const startMs = story.clock.now();
  const names = namesIn(story);
  const marks = watchEngines(story);
  return (result, { journal }) => {
    const broken = (result.verdicts ?? []).filter(({ outcome }) => outcome === 'violated');
    if (result.outcome === 'passed' && broken.length === 0) return result;
    const withMap = (finding: Finding): Finding =>
      finding.disk === undefined ? finding : { ...finding, disk: withTraffic(finding.disk, journal) };
    const proofs = new Set(broken.flatMap(({ violations }) => violations.flatMap(positionsOf)));
    return {
      ...result,
      findings: result.findings.map(withMap),
      timeline: timelineData(journal, { startMs, names, marks, proofs }),
    };
  };
}

function positionsOf({ at, evidence }: Violation): readonly number[] {
  return [at, ...evidence];
}

function namesIn({ world }: Story): ReadonlyMap<string, string> {
  const servers = world.servers.list();
  return new Map([
    ...servers.map(({ id, name }) => [id, name] as const),
    ...servers.flatMap(({ name, disks }) =>
      disks.map(({ uuid, deviceId }) => [uuid, `${name}/${deviceId}`] as const),
    ),
  ]);
}
