/** What the map of a disk says, in words: for those who cannot see the picture, and for those who only skim it. */
import type { BlockRange, DiskMap } from '../../runner/run-evidence.ts';
import { bytesText, countText } from './page-words.ts';

/** One sentence per kind of wrong block, with the places. */
export function diagnoseDisk(map: DiskMap): readonly string[] {
  const isChanged = memberOf(map.changed);
  const isRead = memberOf(map.read);
  const isAsked = memberOf(map.asked);
  const wrong = blocksOf(map.wrong);
  const kinds: readonly (readonly [string, (block: number) => boolean])[] = [
    ['read by the engine, and wrong all the same', isRead],
    ['said to have changed, and not read by the engine', isChanged],
    ['that the engine neither asked about nor read', (block) => !isAsked(block)],
    [
      map.isChangedPartly === true
        ? 'not read by the engine'
        : 'not said to have changed, and so not read by the engine',
      () => true,
    ],
  ];
  const left = new Set(wrong);
  return kinds.flatMap(([words, isIt]) => {
    const own = [...left].filter(isIt);
    for (const block of own) left.delete(block);
    return own.length === 0 ? [] : [`${countText(own.length, 'block')} ${words}: ${placesOf(own, map)}.`];
  });
}

const MOST_PLACES = 6;

function placesOf(blocks: readonly number[], { blockBytes }: DiskMap): string {
  const starts = blocks.filter((block, at) => blocks[at - 1] !== block - 1);
  const places = starts.slice(0, MOST_PLACES).map((block) => `at ${bytesText(block * blockBytes)}`);
  const rest = starts.length - places.length;
  return [...places, ...(rest > 0 ? [`and ${countText(rest, 'more place')}`] : [])].join(', ');
}

function blocksOf(ranges: readonly BlockRange[]): readonly number[] {
  return ranges.flatMap(([first, count]) => Array.from({ length: count }, (_, at) => first + at));
}

function memberOf(ranges: readonly BlockRange[]): (block: number) => boolean {
  return (block) => ranges.some(([first, count]) => block >= first && block < first + count);
}
