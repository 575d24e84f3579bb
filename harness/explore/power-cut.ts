/** An operator who cuts the power of the first proxy of a world when the schedule says so. */
import type { World } from '../../simulator/domain/world-api.ts';
import type { Standby } from './gate.ts';
import { proxiesOf } from './race-actors.ts';
import { startedTask } from './started-task.ts';

/** No server gets this letter. */
export const OPERATOR_LETTER = 'P';

export function powerCut(world: World): Standby {
  const proxy = (): { readonly id: string; readonly name: string } | undefined => proxiesOf(world)[0];
  return {
    step: { actor: OPERATOR_LETTER, act: 'off' },
    canGo: () => world.servers.get(proxy()?.id ?? '').status === 'running',
    go: () => {
      const { taskId } = world.servers.stop(proxy()?.id ?? '', { force: true }, 'operator');
      return startedTask(world, taskId);
    },
  };
}
