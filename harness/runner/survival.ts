/**
 * The attack that a story is under: planned before the first of its steps, counted from what is prepared on, over
 * when the steps are.
 *
 * Jobs of such a story may fail as jobs do, or be killed; what is judged is what is true afterwards (see survival-jobs)
 * and that all is well again once the attack has ended (see survival-end).
 */
import type { AttackNode, EngineName, StepBodies } from './scenario-schema.ts';
import { parseDuration } from './quantities.ts';
import { stepClearFaults, stepFault, stepStorageFault } from './steps/fault-steps.ts';
import type { Story, SurvivalState } from './story.ts';
import { armTrigger } from './triggers.ts';

/** An entry that strikes once, at its moment. */
interface Strike {
  readonly id: string;
  readonly kind: 'kill' | 'clock-jump';
  readonly disarm: () => void;
  fired: number;
}

export class Survival implements SurvivalState {
  readonly #entries: readonly AttackNode[];
  readonly #strikes: Strike[] = [];
  readonly owed: StepBodies['restore'][] = [];
  readonly engines = new Set<EngineName>();
  /** When it ended: the position that the next journal entry got, and the instant. */
  over: SurvivalState['over'];

  constructor(entries: readonly AttackNode[]) {
    this.#entries = entries;
  }

  async arm(story: Story): Promise<void> {
    for (const [at, entry] of this.#entries.entries()) await this.#armEntry(story, entry, `attack-${at}`);
  }

  /** Nothing strikes any more. What has struck, and how often, is kept for the outcome. */
  async end(story: Story): Promise<void> {
    for (const { id, kind, fired, disarm } of this.#strikes) {
      disarm();
      story.clearedFaults.push({ id, kind, fired, mayMiss: false });
    }
    await stepClearFaults(story, 'all');
    this.over = { n: story.position, t: story.clock.now() };
  }

  async #armEntry(story: Story, entry: AttackNode, id: string): Promise<void> {
    const { fault, storageFault, kill, clockJump } = entry;
    if (fault !== undefined) await stepFault(story, fault);
    if (storageFault !== undefined) await stepStorageFault(story, storageFault);
    if (kill !== undefined) this.#armKill(story, kill, id);
    if (clockJump !== undefined) this.#armClockJump(story, clockJump, id);
  }

  #armKill(story: Story, kill: NonNullable<AttackNode['kill']>, id: string): void {
    const { when, engine = 'first', powerCut = false } = kill;
    const disarm = armTrigger(
      story,
      when,
      () => {
        strike.fired++;
        story.installation(engine).kill(powerCut ? story.rng : undefined);
      },
      { loses: true, engine },
    );
    const strike: Strike = { id, kind: 'kill', disarm, fired: 0 };
    this.#strikes.push(strike);
  }

  #armClockJump(story: Story, jump: NonNullable<AttackNode['clockJump']>, id: string): void {
    const { when, engine = 'first', by } = jump;
    const byMs = by.startsWith('-') ? -parseDuration(by.slice(1)) : parseDuration(by);
    const disarm = armTrigger(
      story,
      when,
      () => {
        strike.fired++;
        story.installation(engine).jumpClock(byMs);
      },
      { loses: false, engine },
    );
    const strike: Strike = { id, kind: 'clock-jump', disarm, fired: 0 };
    this.#strikes.push(strike);
  }
}
