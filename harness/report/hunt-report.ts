/** Where a sweep has found a broken engine out: as data, and as lines of text. */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { HuntingGround } from '../mutants/hunting-grounds.ts';
import type { Hunted } from '../sweep/hunt.ts';
import type { CellResult } from '../sweep/sweep-api.ts';

export interface HuntReport {
  readonly id: string;
  readonly mistake: string;
  readonly scenario: string;
  readonly engine: Transport;
  readonly faults: readonly string[];
  readonly points: number;
  readonly runs: number;
  /** In the order of the run; that without an attack is called `clean`. */
  readonly caughtBy: readonly Catch[];
}

interface Catch {
  readonly scenario: string;
  readonly cell: string;
  readonly point: string;
  readonly fault: string;
  readonly persistence: string;
  readonly reason: string;
}

export function describeHunt(ground: HuntingGround, engine: Transport, hunted: Hunted): HuntReport {
  const { mutant: id, mistake, scenario, faults } = ground;
  const { caught, points, runs } = hunted;
  const caughtBy = caught.map((result) => describeCatch(scenario, result));
  return { id, mistake, scenario, engine, faults, points, runs, caughtBy };
}

function describeCatch(scenario: string, { cell, reason }: CellResult): Catch {
  const { id, points, fault, persistence } = cell;
  const point = points.map((one) => one.id).join(' + ');
  return { scenario, cell: id, point, fault, persistence, reason };
}

const REASON_CHARACTERS = 150;
const INDENT = ' '.repeat(4);

export function renderHunt({ id, mistake, scenario, engine, faults, runs, caughtBy }: HuntReport): string {
  const where = `${scenario} ${engine}, ${faults.join(', ')}`;
  const [first] = caughtBy;
  const lines =
    first === undefined
      ? [`SURVIVED ${runs} runs of ${where}`]
      : [`${where}: found out in ${caughtBy.length} of ${runs} runs`, placeOf(first), shorten(first.reason)];
  return `${id.padEnd(30)} ${mistake}\n${lines.map((line) => `${INDENT}${line}\n`).join('')}`;
}

function placeOf({ point, fault, persistence }: Catch): string {
  return point === '' ? 'in the run without an attack' : `first at ${point} by ${fault}, ${persistence}`;
}

function shorten(text: string): string {
  return text.length <= REASON_CHARACTERS ? text : `${text.slice(0, REASON_CHARACTERS - 3)}...`;
}
