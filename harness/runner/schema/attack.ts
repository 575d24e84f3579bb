/** What a whole story is under: everything that goes wrong, planned before its first step. */
import { Type } from 'typebox';
import { Trigger } from './jobs.ts';
import { Fault, StorageFault } from './steps.ts';
import { closed, EngineName } from './words.ts';

const Kill = Type.Object(
  {
    when: Trigger,
    engine: Type.Optional(EngineName),
    powerCut: Type.Optional(
      Type.Boolean({ description: 'The repository also loses what it had not synced; default false' }),
    ),
  },
  closed,
);

const ClockJump = Type.Object(
  {
    when: Trigger,
    engine: Type.Optional(EngineName),
    by: Type.String({
      pattern: '^-?\\d+(ms|s|m|h|d)$',
      description: "How far the clock of the engine's machine jumps: 90s, -1h",
    }),
  },
  closed,
);

/** One entry: an object with exactly one of the kinds. */
export const Attack = Type.Object(
  {
    fault: Type.Optional(Fault),
    storageFault: Type.Optional(StorageFault),
    kill: Type.Optional(Kill),
    clockJump: Type.Optional(ClockJump),
  },
  {
    ...closed,
    minProperties: 1,
    maxProperties: 1,
    description: 'Counts from the beginning of the run; ends when the steps are over',
  },
);
