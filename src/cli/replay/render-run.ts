/** A run that was played again, for people and for programs. */
import type { PlayedAgain } from '../../../harness/replay/play-again.ts';
import { renderTimeline } from '../../../harness/report/timeline.ts';
import type { Order } from './play-order.ts';

export function describeRun(
  { scenario, engine, seed, mutant, journalHash }: Order,
  { record, stopped }: PlayedAgain,
) {
  const { outcome, reason, findings, faults, virtualMs } = record;
  return {
    scenario: scenario.id,
    engine,
    seed,
    mutant,
    outcome: stopped === undefined ? outcome : 'stopped',
    reason,
    findings,
    faults,
    virtualMs,
    journalEntries: record.journal.length,
    journalHash: record.journalHash,
    ...(journalHash === undefined ? {} : { isSameJournal: journalHash === record.journalHash }),
    ...(stopped === undefined ? {} : { stopped }),
  };
}

export function renderRun(order: Order, played: PlayedAgain): string {
  const { record, cast, marks, stopped } = played;
  const width = Math.min(Math.max(process.stdout.columns ?? 110, 100), 160);
  const to = stopped === undefined ? {} : { to: stopped.at };
  const timeline = renderTimeline(record.journal, { cast, marks, columns: width, ...to });
  return [timeline, '', ...(stopped === undefined ? verdict(order, played) : standstill(played)), ''].join(
    '\n',
  );
}

function verdict({ journalHash, scenario, engine, seed }: Order, { record }: PlayedAgain): readonly string[] {
  const { outcome, reason, findings, faults } = record;
  const same =
    journalHash === undefined
      ? []
      : [
          journalHash === record.journalHash
            ? 'the same journal as written down'
            : `NOT the journal as written down, ${journalHash}`,
        ];
  return [
    `${scenario.id}, ${engine}, seed ${seed}: ${outcome}${reason === '' ? '' : `: ${reason}`}`,
    ...findings.flatMap(({ evidence }) => evidence.map((line) => `  ${line}`)),
    ...faults.map(({ id, kind, fired }) => `  fault ${id} (${kind}) struck ${fired}x`),
    `journal ${record.journalHash}, ${record.journal.length} entries`,
    ...same,
  ];
}

function standstill({ record, stopped }: PlayedAgain): readonly string[] {
  if (stopped === undefined) return [];
  const { state, at } = stopped;
  const entry = record.journal[at];
  const lines = [
    ...state.servers.map(({ name, status }) => `  server ${name}: ${status}`),
    ...state.snapshots.map(({ id, name }) => `  snapshot ${name} (${id})`),
    ...state.resources.map(({ id, status }) => `  backup resource ${id}: ${status}`),
    ...state.hotAddedDisks.map(({ disk, proxy, slot }) => `  hot-added disk ${disk} on ${proxy}, ${slot}`),
    ...state.tasks.map(({ id, action }) => `  task ${action} (${id})`),
  ];
  return [`stopped at entry ${at}: ${JSON.stringify(entry)}`, 'the world at that instant:', ...lines];
}
