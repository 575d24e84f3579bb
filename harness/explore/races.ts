/** The races that `backlot race` knows by name: a scenario, the calls that are held, and how far it is explored. */
import type { ExplorationLimits } from './every-schedule.ts';
import { OPERATOR_LETTER } from './power-cut.ts';
import type { Act, Gap, Step } from './schedule.ts';

export interface Race {
  readonly id: string;
  readonly title: string;
  /** Beginning of the id of its scenario. */
  readonly scenario: string;
  readonly held: readonly Act[];
  readonly hasPowerCut: boolean;
  /** Moments at which the jobs' own calls are tried; all when absent. */
  readonly gaps?: readonly Gap[];
}

const DISK_TASKS: readonly Act[] = ['+', '-'];

export const RACES: readonly Race[] = [
  {
    id: 'one-engine',
    title: 'two jobs of one engine on one proxy',
    scenario: 'S081',
    // When a job has its lock decides when it comes to the engine's own queue, where the gate can not look.
    held: ['.', ...DISK_TASKS],
    hasPowerCut: false,
  },
  {
    id: 'two-engines',
    title: 'two engines on one proxy',
    scenario: 'S082',
    held: DISK_TASKS,
    hasPowerCut: false,
  },
  {
    id: 'one-engine-power-cut',
    title: 'two jobs of one engine, and the power of the proxy is cut',
    scenario: 'S081',
    held: DISK_TASKS,
    hasPowerCut: true,
  },
  {
    id: 'two-engines-power-cut',
    title: 'two engines, and the power of the proxy is cut',
    scenario: 'S082',
    held: DISK_TASKS,
    hasPowerCut: true,
    gaps: ['=', '/'],
  },
  {
    id: 'two-engines-start',
    title: 'two engines that start and power off one proxy',
    scenario: 'S083',
    held: [...DISK_TASKS, 'on', 'off'],
    hasPowerCut: false,
    gaps: ['=', '/'],
  },
];

/**
 * What is left out of an exploration. Without `isExhaustive`: schedules that are another one with the two jobs
 * changed over, and the moments that the race does without. After the power was cut nothing is varied any more: who
 * comes then comes in order.
 */
export function limitsOf({ gaps }: Pick<Race, 'gaps'>, isExhaustive: boolean): ExplorationLimits {
  const isOperator = ({ actor }: Step): boolean => actor === OPERATOR_LETTER;
  if (isExhaustive) return { isLast: isOperator };
  return {
    isLast: isOperator,
    tries: (step, gap, made) => {
      if (isOperator(step)) return true;
      if (made === 0 && step.actor !== 'A') return false;
      return gaps === undefined || gaps.includes(gap);
    },
  };
}
