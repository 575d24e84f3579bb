/** One cell: the scenario played once under one attack. */
import { createMustAttendant } from '../musts/attend-musts.ts';
import { type RunOptions, type RunRecord, runOnce } from '../runner/run-once.ts';
import type { Scenario } from '../runner/scenario-schema.ts';
import type { CellOutcome, CellResult, PlannedCell } from './sweep-api.ts';

export async function runCell(
  options: Omit<RunOptions, 'onStory' | 'openGuests'>,
  cell: PlannedCell,
): Promise<CellResult> {
  const scenario = underAttack(options.scenario, cell);
  const { attend, happenedIn } = createMustAttendant();
  const record = await runOnce({ ...options, scenario, onStory: attend });
  const { reason, findings, journalHash, virtualMs } = record;
  const outcome = outcomeOf(record, cell, scenario);
  const result = {
    cell,
    outcome,
    reason,
    findings,
    journalHash,
    virtualMs,
    happened: happenedIn(record.journal),
    ...(outcome === 'survived' && isSpent(record, cell) ? { isSpent: true as const } : {}),
  };
  return outcome === 'undetectable' ? withDetector(options, scenario, result) : result;
}

export function underAttack(scenario: Scenario, { attack, isBearable }: PlannedCell): Scenario {
  const expect = isBearable === true ? { expect: { ...scenario.expect, jobs: 'succeed' as const } } : {};
  return { ...scenario, ...expect, attack: [...(scenario.attack ?? []), ...attack] };
}

/** The one match from the attack's turn on was the one that it struck at; were it to strike at all, it would be no other. */
function isSpent({ faults }: RunRecord, { attack, persistence }: PlannedCell): boolean {
  const [entry] = attack;
  const planned = entry?.fault ?? entry?.storageFault;
  if (attack.length !== 1 || planned === undefined || persistence !== 'once') return false;
  const count = faults.find(({ id }) => id === planned.id);
  return count?.fired === 1 && count.seen === (planned.after ?? 0) + 1;
}

/** Wrong bytes that look right in every way: only reading them twice tells. */
const UNDETECTABLE: ReadonlySet<string> = new Set(['cbt-misses-block', 'corrupt-payload']);

function outcomeOf(record: RunRecord, cell: PlannedCell, { engine }: Scenario): CellOutcome {
  switch (record.outcome) {
    case 'passed':
      return 'survived';
    case 'failed':
      return isUndetectable(record, cell, engine?.verify === true) ? 'undetectable' : 'violation';
    case 'inconclusive':
      return record.faults.some(({ fired, mayMiss }) => fired === 0 && !mayMiss) ? 'missed' : 'violation';
    default:
      return 'broken';
  }
}

/**
 * What lies only once is found out by asking again: the same attack on an engine that verifies must be survived, with
 * all that is asked of it afterwards. What always lies the same is found out by nothing.
 */
async function withDetector(
  options: Omit<RunOptions, 'onStory' | 'openGuests'>,
  scenario: Scenario,
  result: CellResult,
): Promise<CellResult> {
  if (result.cell.persistence === 'sticky')
    return { ...result, detectedBy: 'nothing: it is wrong at every reading' };
  const verifying = { ...scenario, engine: { ...scenario.engine, verify: true } };
  const { outcome, reason } = await runOnce({ ...options, scenario: verifying });
  if (outcome === 'passed') return { ...result, detectedBy: 'verify: true' };
  return { ...result, outcome: 'violation', reason: `with verify: true: ${reason}` };
}

function isUndetectable(
  { findings }: RunRecord,
  { attack, persistence }: PlannedCell,
  verifies: boolean,
): boolean {
  if (verifies && persistence === 'once') return false;
  const isSuch = attack.some(({ fault }) => fault !== undefined && UNDETECTABLE.has(fault.kind));
  return isSuch && findings.every(({ actual }) => actual.includes('bytes in wrong sectors'));
}
