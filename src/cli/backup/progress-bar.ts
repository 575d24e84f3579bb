/** Progress of a job on standard error: one moving line on a terminal, a line per step and ten per cent elsewhere. */
import type { ProgressEvent } from '../../engine/engine-api.ts';
import { formatBytes } from './sizes.ts';

export interface ProgressOutput {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

export interface ProgressReporter {
  show(event: ProgressEvent): void;
  /** Ends a moving line. */
  end(): void;
}

const BAR_CELLS = 24;
/** The line is drawn again at most so often. */
const REDRAW_MS = 100;

export function createProgressReporter(output: ProgressOutput, now: () => number): ProgressReporter {
  return output.isTTY ? createBar(output, now) : createLines(output);
}

function createBar(output: ProgressOutput, now: () => number): ProgressReporter {
  let drawnAtMs = 0;
  let isOpen = false;
  const startedAt = new Map<string, number>();
  const close = (): void => {
    if (isOpen) output.write('\n');
    isOpen = false;
  };
  return {
    show(event) {
      if (event.totalBytes === undefined) {
        close();
        output.write(`${describeStep(event)}\n`);
        return;
      }
      const startMs = startedAt.get(event.step) ?? now();
      startedAt.set(event.step, startMs);
      const isDone = event.doneBytes === event.totalBytes;
      if (!isDone && now() - drawnAtMs < REDRAW_MS) return;
      drawnAtMs = now();
      isOpen = true;
      output.write(`\r\u001b[K${drawBar(event, now() - startMs)}`);
    },
    end: close,
  };
}

function drawBar(event: ProgressEvent, elapsedMs: number): string {
  const { doneBytes = 0, totalBytes = 0, deviceId = '' } = event;
  const share = totalBytes === 0 ? 1 : doneBytes / totalBytes;
  const filled = Math.floor(share * BAR_CELLS);
  const rate = elapsedMs > 0 ? `${formatBytes((doneBytes / elapsedMs) * 1000)}/s` : '';
  const bar = `${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)}`;
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  return `${event.step} [${bar}] ${percent} % ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)} ${rate} ${deviceId}`;
}

function createLines(output: ProgressOutput): ProgressReporter {
  let lastTenth = -1;
  return {
    show(event) {
      const { doneBytes = 0, totalBytes } = event;
      if (totalBytes === undefined) {
        lastTenth = -1;
        output.write(`${describeStep(event)}\n`);
        return;
      }
      const tenth = totalBytes === 0 ? 10 : Math.floor((doneBytes / totalBytes) * 10);
      if (tenth === lastTenth) return;
      lastTenth = tenth;
      output.write(`${event.step} ${tenth * 10} % of ${formatBytes(totalBytes)}\n`);
    },
    end: () => {},
  };
}

function describeStep(event: ProgressEvent): string {
  return event.message === undefined ? event.step : `${event.step}: ${event.message}`;
}
