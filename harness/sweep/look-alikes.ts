/**
 * Cells that are one story told twice. Of each kind of sameness it is known beforehand why it is one, whoever's engine is
 * under attack:
 *
 * - Deaths in one era (`eras.ts`): the engine's memory is gone, and world and repository are the same. So a kill at the
 *   reply to a question is the kill at the next question, and a kill after a write the kill before the next one.
 * - A question (a call that changes nothing) that is lost, and its answer that is lost: either way the platform has done
 *   nothing and the engine has heard nothing.
 * - A platform that starts again while nobody is logged in with a token and no data connection is open: the call under
 *   way is lost, and nothing else is.
 * - An answer that is cut off and one that is garbage: both are no JSON. At the first call of each operation both are
 *   played, for clients that read as far as they get.
 *
 * One more sameness shows when a cell is played: see `isSpent` of a result.
 */
import { OPERATIONS } from '../../src/contract/operations.ts';
import type { Ground } from './attack-rows.ts';
import type { PlannedCell, Point } from './sweep-api.ts';

/** The first of each story, in the order of the plan. */
export function withoutLookAlikes(cells: readonly PlannedCell[], ground: Ground): readonly PlannedCell[] {
  const told = new Set<string>();
  return cells.filter((cell) => {
    const story = storyOf(cell, ground) ?? cell.id;
    const isNew = !told.has(story);
    told.add(story);
    return isNew;
  });
}

/** Equal for cells that are known to be the same; absent for one that is like no other. */
export function storyOf(cell: PlannedCell, ground: Ground): string | undefined {
  const [point] = cell.points;
  if (point === undefined || cell.points.length > 1) return undefined;
  const isPowerCut = cell.fault.startsWith('power-cut');
  if (isPowerCut || cell.fault.startsWith('kill')) return deathAt(point, cell.fault, isPowerCut);
  if (isNoJson(cell, point)) return `no JSON ${point.name} ${point.nth} ${cell.persistence}`;
  return isLoss(cell, point, ground) ? `loss ${point.name} ${point.nth} ${cell.persistence}` : undefined;
}

function deathAt(point: Point, fault: string, isPowerCut: boolean): string | undefined {
  const era = fault.endsWith('-after') ? point.eraAfter : point.era;
  if (era === undefined) return undefined;
  return `${isPowerCut ? 'power-cut' : 'death'} of ${point.engine ?? 'first'} in ${era}`;
}

function isNoJson({ fault }: PlannedCell, { nth }: Point): boolean {
  return nth > 1 && (fault === 'garbage-reply' || fault === 'truncated-reply');
}

function isLoss({ fault, persistence }: PlannedCell, point: Point, { usesTokens }: Ground): boolean {
  switch (fault) {
    case 'lose-request':
      return point.kind === 'rest.request';
    case 'lose-reply':
      return point.kind === 'rest.reply' && isQuestion(point.name);
    case 'restart':
      return (
        point.kind === 'rest.request' && persistence === 'once' && !usesTokens && point.isOffline === true
      );
    default:
      return false;
  }
}

const METHODS = new Map<string, string>(
  Object.entries(OPERATIONS).map(([name, { method }]) => [name, method]),
);

/** Whether the call changes nothing. */
export function isQuestion(operation: string): boolean {
  return METHODS.get(operation) === 'GET';
}
