/** A scenario as the shortest file that a person still likes to read: lists in a line, or a line for each entry. */
import { Document, isCollection, isMap, isSeq, type Node } from 'yaml';
import type { Scenario } from '../runner/scenario-schema.ts';

/** Keys whose members get a line each. */
const LISTS: ReadonlySet<string> = new Set(['prepare', 'steps', 'attack']);

export function scenarioText(scenario: Scenario): string {
  const { id, title, rule, why, engines, world, engine, secondEngine, prepare, attack, steps, ...rest } =
    scenario;
  const ordered = {
    id,
    title,
    rule,
    why,
    engines,
    world,
    engine,
    secondEngine,
    ...rest,
    prepare,
    attack,
    steps,
  };
  const document = new Document(ordered, { keepUndefined: false });
  if (!isMap(document.contents)) throw new TypeError('a scenario is a map');
  for (const { key, value } of document.contents.items) setFlow(String(key), value as Node | null);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

const LINE_CHARACTERS = 110;

function setFlow(key: string, value: Node | null): void {
  if (!isCollection(value)) return;
  const isShort = JSON.stringify(value).length + key.length <= LINE_CHARACTERS;
  if (!LISTS.has(key) || isShort) value.flow = true;
  else if (isSeq(value)) for (const item of value.items) if (isCollection(item)) item.flow = true;
}
