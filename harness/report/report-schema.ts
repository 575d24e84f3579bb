/** `report.schema.json`: what a program that reads report.json may count on. Unknown fields are to be passed over. */
import { type TSchema, Type } from 'typebox';
import { RULE_AREAS } from '../rules/rule-api.ts';
import { REPORT_VERSION } from './report.ts';

const text = (description: string): TSchema => Type.String({ description });
const count = (description: string): TSchema => Type.Integer({ minimum: 0, description });
const OUTCOMES = ['passed', 'failed', 'skipped', 'inconclusive', 'broken'];

const Ranges = (description: string): TSchema =>
  Type.Array(Type.Array(Type.Integer({ minimum: 0 }), { minItems: 2, maxItems: 2 }), {
    description: `${description}; pairs of first block and number of blocks`,
  });

const DiskMap = Type.Object(
  {
    disk: text('server and device'),
    sizeBytes: count('size of the disk'),
    blockBytes: Type.Integer({ minimum: 512, description: 'size of a block of the map' }),
    allocated: Ranges('blocks that hold data in the image that was expected'),
    asked: Ranges('blocks of which the engine asked whether they have changed, and was answered'),
    changed: Ranges('blocks that the platform answered to the question what has changed'),
    isChangedPartly: Type.Optional(
      Type.Literal(true, { description: 'more has changed than `changed` tells' }),
    ),
    read: Ranges('blocks that the engine read in the backup'),
    written: Ranges('blocks that the engine wrote in the restore'),
    wrong: Ranges('blocks in which bytes are wrong'),
  },
  { description: 'the disk of a byte failure, in blocks' },
);

const Finding = Type.Object({
  where: text('the step, or the oracle, that found it'),
  expected: Type.String(),
  actual: Type.String(),
  evidence: Type.Array(Type.String()),
  disk: Type.Optional(DiskMap),
});

const Timeline = Type.Object(
  {
    lanes: Type.Array(Type.Object({ key: Type.String(), title: Type.String() })),
    rows: Type.Array(
      Type.Object({
        n: count('position in the journal'),
        ms: Type.Number({ description: 'time of the world since its beginning' }),
        lane: count('which of the lanes'),
        text: Type.String(),
        tone: Type.Optional(Type.Enum(['bad', 'fault'])),
        begins: Type.Optional(text('something goes on in this lane from here ...')),
        ends: Type.Optional(
          Type.Array(Type.String(), { description: '... and these have come to their end' }),
        ),
      }),
    ),
    omitted: count('rows that were left out in the middle'),
  },
  { description: 'what happened in the world; of runs that did not pass' },
);

const Result = Type.Object({
  scenario: Type.String(),
  title: Type.String(),
  engine: Type.String(),
  guest: Type.Optional(text('how disks of proxies were shown outside of the simulator')),
  outcome: Type.Enum(OUTCOMES),
  reason: text('one line; empty when passed'),
  findings: Type.Array(Finding),
  runs: Type.Integer({ minimum: 1, maximum: 2, description: '2: played twice, and the journals compared' }),
  durationMs: Type.Number({ description: 'real time; differs between equal runs' }),
  virtualMs: Type.Number({ description: 'time that passed in the world' }),
  journalHash: text('SHA-256 of the journal; empty when nothing was played'),
  journalEntries: count('length of the journal'),
  comparedBytes: count('bytes that were compared'),
  faults: Type.Array(
    Type.Object({
      id: Type.String(),
      kind: Type.String(),
      fired: count('how often it struck'),
      seen: Type.Optional(count('how often its place was reached')),
      mayMiss: Type.Boolean(),
    }),
  ),
  stories: Type.Array(Type.String(), { description: 'stories of failure that the scenario tells' }),
  rule: text('what the scenario asks of a product'),
  command: text('plays it again; empty when it was not played'),
  timeline: Type.Optional(Timeline),
});

const Rule = Type.Object({
  rule: text('stable id, such as LOCK-2'),
  area: Type.Enum([...RULE_AREAS]),
  level: Type.Enum(['must', 'should']),
  outcome: Type.Enum(['passed', 'violated', 'waived', 'not-exercised', 'not-applicable']),
  exercised: count('how often there was something to judge'),
  title: Type.String(),
  clause: Type.String(),
  source: Type.String(),
  fidelity: Type.Enum(['documented', 'observed', 'assumed']),
  breaks: text('what it means in the field'),
  remedy: Type.String(),
  hidden: Type.Optional(count('further violations that are not shown')),
  violations: Type.Array(
    Type.Object({
      at: count('position in the journal'),
      expected: Type.String(),
      actual: Type.String(),
      evidence: Type.Array(count('positions that prove it')),
      scenario: Type.String(),
      engine: Type.String(),
      lines: Type.Array(Type.String(), { description: 'the entries that prove it, for people' }),
    }),
  ),
});

const Engine = Type.Object(
  {
    outcome: Type.Enum(['pass', 'fail', 'incomplete'], {
      description: 'incomplete: something that it declares was not looked at',
    }),
    name: Type.String(),
    version: Type.Optional(Type.String()),
    reasons: Type.Array(Type.String(), { description: 'why it is no pass' }),
    capabilities: Type.Array(
      Type.Object({
        capability: Type.String(),
        state: Type.Enum(['shown', 'absent', 'not-asked', 'not-seen', 'undeclared']),
        asked: count('how many jobs asked for it'),
        seen: count('how often it was seen'),
      }),
    ),
    waivers: Type.Array(
      Type.Object({
        rule: Type.String(),
        reason: Type.String(),
        owner: Type.String(),
        expires: text('the last day on which it counts'),
        state: Type.Enum(['used', 'needless', 'unseen', 'expired']),
        sentence: Type.String(),
      }),
    ),
  },
  { description: "of somebody else's engine: what it declares against what was seen of it" },
);

const Changes = (description: string): TSchema =>
  Type.Array(
    Type.Object({
      what: Type.String(),
      before: Type.Optional(Type.String()),
      now: Type.Optional(Type.String()),
    }),
    { description },
  );

export const ReportSchema = Type.Object({
  version: Type.Literal(REPORT_VERSION),
  verdict: Type.Object({
    outcome: Type.Enum(['pass', 'fail', 'inconclusive', 'broken']),
    sentence: Type.String(),
    warnings: count('violated rules of the level should'),
  }),
  environment: Type.Object({
    backlot: text('version of backlot'),
    node: text('version of Node'),
    platform: text('operating system and processor'),
    time: text('how time went: virtual, real, x60'),
    engine: text('the engine that was judged'),
  }),
  seed: Type.String(),
  durationMs: Type.Number({ description: 'real time; differs between equal runs' }),
  summary: Type.Object(Object.fromEntries(OUTCOMES.map((outcome) => [outcome, count('scenarios')]))),
  rules: Type.Array(Rule),
  sometimes: Type.Array(
    Type.Object({
      id: Type.String(),
      title: Type.String(),
      happened: count('in how many runs'),
      example: Type.Optional(
        Type.Object({
          scenario: Type.String(),
          engine: Type.String(),
          seed: Type.String(),
          at: count('position in the journal of the first time'),
        }),
      ),
    }),
    { description: 'what must happen in some run of a search' },
  ),
  results: Type.Array(Result),
  engine: Type.Optional(Engine),
  comparison: Type.Optional(
    Type.Object({
      regressions: Changes('passed before, and now does not'),
      improvements: Changes('did not pass before, and now does'),
      added: Changes('not in the baseline'),
      missing: Changes('in the baseline, and not looked at now'),
    }),
  ),
});

/** The JSON Schema as text, ready to be written. */
export function publishedReportSchema(): string {
  const head = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `backlot report, version ${REPORT_VERSION}`,
  };
  return `${JSON.stringify({ ...head, ...ReportSchema }, undefined, 2)}\n`;
}
