/**
 * A scenario with an engine: run twice with one seed, and the two journals must be the same byte for byte. With guests
 * outside of this process it is run once.
 */
import { toJsonLine, type JournalEntry } from '../../src/kernel/journal.ts';
import type { GuestLevel } from '../../simulator/guest/levels/guest-level.ts';
import { RULES } from '../rules/catalogue.ts';
import { judgeRules } from '../rules/judge-rules.ts';
import { observe } from '../rules/observe.ts';
import type { OpenGuestsOf } from './open-guests.ts';
import { type ScenarioResult, unplayedResult } from './outcome.ts';
import { type RunOptions, type RunRecord, runOnce } from './run-once.ts';
import type { Seams } from './seams.ts';
import type { Story } from './story.ts';

/** Real milliseconds from anywhere; injected, since only composition roots know the wall clock. */
export type Stopwatch = () => number;

/** Programs outside take their time, and no two runs of them give the same journal. */
export interface OutsideGuests {
  readonly level: GuestLevel;
  readonly open: OpenGuestsOf;
}

/** Looks on while a story is told, and adds to its result what is worth keeping of it. */
export type Witness = (story: Story) => (result: ScenarioResult, record: RunRecord) => ScenarioResult;

export async function runScenario(
  options: Omit<RunOptions, 'openGuests' | 'seams'> & {
    /** A function is asked for each of the runs: a breakage may keep count of what it has done. */
    readonly seams: Seams | (() => Seams);
    readonly outside?: OutsideGuests;
    readonly witness?: Witness;
  },
  stopwatch: Stopwatch,
): Promise<ScenarioResult> {
  const { scenario, transport, outside, witness, seams, ...rest } = options;
  const run = (more: Pick<RunOptions, 'onStory'> = {}) =>
    runOnce({
      ...rest,
      ...more,
      seams: typeof seams === 'function' ? seams() : seams,
      scenario,
      transport,
      ...(outside === undefined ? {} : { openGuests: outside.open }),
    });
  let keep: ReturnType<Witness> = (result) => result;
  const begun = stopwatch();
  const first = await run(
    witness === undefined
      ? {}
      : {
          onStory: (story) => {
            keep = witness(story);
          },
        },
  );
  const isTwice = outside === undefined && rest.driven === undefined;
  const second = isTwice ? await run() : undefined;
  const engine = rest.driven === undefined ? transport : `${rest.driven.name} ${transport}`;
  const result: ScenarioResult = {
    scenario: scenario.id,
    title: scenario.title,
    engine,
    ...(outside === undefined ? {} : { guest: outside.level }),
    ...judgeTwins(first, second ?? first),
    runs: second === undefined ? 1 : 2,
    durationMs: Math.round(stopwatch() - begun),
    virtualMs: first.virtualMs,
    journalHash: first.journalHash,
    journalEntries: first.journal.length,
    comparedBytes: first.comparedBytes,
    faults: first.faults,
    stories: scenario.stories ?? [],
    rule: scenario.rule,
    verdicts: judgeRules(observe(first.journal), {
      rules: RULES,
      scenario: scenario.id,
      engine,
      ...(rest.driven === undefined ? {} : { capabilities: rest.driven.capabilities }),
    }),
  };
  return keep(result, first);
}

export function skipScenario(
  {
    scenario,
    transport,
    guest,
  }: Pick<RunOptions, 'scenario' | 'transport'> & { readonly guest: GuestLevel | undefined },
  reason: string,
): ScenarioResult {
  const { id, title, stories = [], rule } = scenario;
  return {
    ...unplayedResult({ scenario: id, title, engine: transport }, reason),
    ...(guest === undefined ? {} : { guest }),
    stories,
    rule,
  };
}

function judgeTwins(
  first: RunRecord,
  second: RunRecord,
): Pick<ScenarioResult, 'outcome' | 'reason' | 'findings'> {
  if (first.outcome === 'broken' || first.journalHash === second.journalHash) {
    return { outcome: first.outcome, reason: first.reason, findings: first.findings };
  }
  const finding = {
    where: 'same seed, same journal',
    expected: `journal ${first.journalHash}`,
    actual: `journal ${second.journalHash}`,
    evidence: firstDifference(first.journal, second.journal),
  };
  const reason = `two runs with one seed differ: ${finding.evidence.join(' / ')}`;
  return { outcome: 'failed', reason, findings: [finding, ...first.findings] };
}

function firstDifference(first: readonly JournalEntry[], second: readonly JournalEntry[]): readonly string[] {
  const length = Math.max(first.length, second.length);
  for (let at = 0; at < length; at++) {
    const one = lineAt(first, at);
    const other = lineAt(second, at);
    if (one !== other) return [`first run ${one}`, `second run ${other}`];
  }
  return ['no entry differs, yet the hashes do'];
}

function lineAt(journal: readonly JournalEntry[], at: number): string {
  const entry = journal[at];
  return entry === undefined ? 'has ended' : toJsonLine(entry).trimEnd();
}
