/**
 * The language of scenario files: a closed vocabulary. An unknown word is an error, so that a misspelt expectation
 * can't pass by never being looked at. `scenarios/scenario.schema.json` is made from this file.
 */
import { Type } from 'typebox';
import { Attack } from './schema/attack.ts';
import type { ErrorExpectation, Trigger, Warnings } from './schema/jobs.ts';
import { Step } from './schema/steps.ts';
import { type Bounds, closed, Count, type EngineName as EngineNameWord } from './schema/words.ts';
import { EngineSettings, JournalExpectation, World } from './schema/world.ts';

export { ENGINE_NAMES } from './schema/words.ts';

export const ScenarioSchema = Type.Object(
  {
    id: Type.String({
      pattern: '^(S\\d{3}|W\\d{2})-[a-z0-9]+(-[a-z0-9]+)*$',
      description: 'Never used again for another',
    }),
    title: Type.String({ minLength: 10, maxLength: 120 }),
    stories: Type.Optional(Type.Array(Type.String({ pattern: '^F\\d{2}$' }), { minItems: 1 })),
    rule: Type.String({ minLength: 10, description: 'What a backup product must do' }),
    why: Type.String({ minLength: 10, description: 'What goes wrong in the field when it does not' }),
    engines: Type.Optional(Type.Array(Type.Enum(['nbd', 'nbdssl', 'hotadd']), { minItems: 1 })),
    guests: Type.Optional(
      Type.Array(Type.Enum(['socket', 'fuse', 'loop', 'qemu']), {
        minItems: 1,
        description:
          'Guest levels at which it can be played; left out: all. A kernel asks a device in pieces and at moments of its own',
      }),
    ),
    world: World,
    engine: Type.Optional(EngineSettings),
    secondEngine: Type.Optional(EngineSettings),
    attack: Type.Optional(
      Type.Array(Attack, {
        minItems: 1,
        description:
          'With it the story is one of survival: jobs may fail or be killed, and are judged by what is true at the end',
      }),
    ),
    prepare: Type.Optional(
      Type.Array(Step, {
        minItems: 1,
        description: 'Steps that come before an attack: it begins, and counts, after them',
      }),
    ),
    steps: Type.Array(Step, { minItems: 1 }),
    expect: Type.Optional(
      Type.Object(
        {
          points: Type.Optional(Count),
          jobs: Type.Optional(
            Type.Literal('succeed', {
              description: 'Under attack too: what goes wrong is no reason for a job to fail',
            }),
          ),
          journal: Type.Optional(Type.Array(JournalExpectation, { minItems: 1 })),
          leftovers: Type.Optional(
            Type.Array(
              Type.Enum(['server', 'snapshot', 'backup-resource', 'hot-added-disk', 'task', 'connection']),
            ),
          ),
        },
        closed,
      ),
    ),
  },
  { ...closed, title: 'backlot scenario', description: 'A story that a backup engine lives through' },
);

type StepFields = Required<Type.Static<typeof Step>>;
export type StepBodies = { readonly [Kind in keyof StepFields]: StepFields[Kind] };
export type StepKind = keyof StepBodies;
/** One step, as a file has it: an object with exactly one of the kinds. */
export type StepNode = Type.Static<typeof Step>;
export type Scenario = Type.Static<typeof ScenarioSchema>;
export type WorldNode = Type.Static<typeof World>;
export type AttackNode = Type.Static<typeof Attack>;
export type EngineNode = Type.Static<typeof EngineSettings>;
export type EngineName = Type.Static<typeof EngineNameWord>;
export type TriggerNode = Type.Static<typeof Trigger>;
export type BoundsNode = Type.Static<typeof Bounds>;
export type ErrorNode = Type.Static<typeof ErrorExpectation>;
export type WarningsNode = Type.Static<typeof Warnings>;
