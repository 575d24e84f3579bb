/** What is shown while a suite runs: a bar that rewrites its line on a terminal, plain lines elsewhere. */
import type { ScenarioResult } from '../runner/outcome.ts';
import { engineLabel } from './engine-label.ts';

export interface ProgressOutput {
  readonly isTerminal: boolean;
  /** Characters in a line of the terminal. */
  readonly columns: number;
  write(text: string): void;
}

export interface Progress {
  onResult(result: ScenarioResult, done: number, total: number): void;
  end(): void;
}

const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\u001b[K';

export function createProgress(output: ProgressOutput): Progress {
  return output.isTerminal ? barProgress(output) : lineProgress(output);
}

function barProgress(output: ProgressOutput): Progress {
  return {
    onResult(result, done, total) {
      const filled = Math.round((done / total) * BAR_WIDTH);
      const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
      const text = `${bar} ${done}/${total} ${result.scenario} ${engineLabel(result)}`;
      output.write(`${CLEAR_LINE}${text.slice(0, Math.max(20, output.columns - 1))}`);
    },
    end: () => output.write(CLEAR_LINE),
  };
}

function lineProgress(output: ProgressOutput): Progress {
  return {
    onResult(result, done, total) {
      const { scenario, outcome, durationMs } = result;
      output.write(
        `[${done}/${total}] ${outcome.padEnd(12)} ${scenario} ${engineLabel(result)} (${durationMs} ms)\n`,
      );
    },
    end: () => undefined,
  };
}
