import { describe, expect, it } from 'vitest';
import { scenarioProblems } from '../../../harness/runner/parse-scenario.ts';
import { drawBusyWorld } from '../../../harness/swarm/busy-world.ts';
import { chancesOf, drawAttack } from '../../../harness/swarm/draw-attack.ts';
import { FAMILIES, isOf, LIES } from '../../../harness/swarm/families.ts';
import type { WorldSize } from '../../../harness/swarm/swarm-api.ts';
import { ATTACK_NAMES } from '../../../harness/sweep/fault-table.ts';
import type { Point, PointKind } from '../../../harness/sweep/sweep-api.ts';
import { createRng } from '../../../src/kernel/rng.ts';

const point = (kind: PointKind, name: string, nth: number): Point => {
  return { id: `${kind}:${name}#${nth}`, kind, name, nth, atMs: nth, ordinal: nth };
};
const POINTS = [
  point('rest.request', 'snapshots.create', 1),
  point('rest.reply', 'snapshots.create', 1),
  ...[1, 2, 3, 4].map((nth) => point('storage.write', 'chunks', nth)),
  point('checkpoint', 'transfer', 1),
];
const GROUND = { isTls: false, usesTokens: false, usesProxies: false, hasManyDisks: false };
const CHANCES = chancesOf(POINTS, GROUND);

describe('families of faults', () => {
  it('have every kind of attack of the sweep in exactly one of them, but for lies', () => {
    const homes = ATTACK_NAMES.map((fault) => {
      const names = FAMILIES.filter((family) => isOf(family, fault)).map(({ name }) => name);
      return [fault, LIES.includes(fault) ? names.length + 1 : names.length];
    });
    expect(homes.filter(([, count]) => count !== 1)).toEqual([]);
  });
});

describe('a drawn attack', () => {
  const draw = (seed: string) => drawAttack({ chances: CHANCES, entries: 6, rng: createRng(seed) });

  it('is the same for the same seed and another one for another seed', () => {
    expect(draw('1')).toEqual(draw('1'));
    expect(draw('1')).not.toEqual(draw('2'));
  });

  it('leaves out whole families, and draws from all that are in', () => {
    const seen = Array.from({ length: 200 }, (_, at) => draw(String(at)).families);
    expect(seen.every(({ length }) => length > 0)).toBe(true);
    for (const { family } of CHANCES) {
      const share = seen.filter((families) => families.includes(family)).length / seen.length;
      expect(share).toBeGreaterThan(0.3);
      expect(share).toBeLessThan(0.75);
    }
  });

  it('strikes a limited number of times, and gives every fault an id of its own', () => {
    for (let seed = 0; seed < 50; seed++) {
      const faults = draw(String(seed)).attack.flatMap(
        ({ fault, storageFault }) => fault ?? storageFault ?? [],
      );
      expect(new Set(faults.map(({ id }) => id)).size).toBe(faults.length);
      for (const { times = 1 } of faults) expect([times >= 1, times <= 12]).toEqual([true, true]);
    }
  });

  it('moves points to where they are meant to be', () => {
    const place = (at: Point): Point => ({ ...at, nth: 900, ordinal: 900 });
    const { attack } = drawAttack({ chances: CHANCES, entries: 6, rng: createRng('1'), place });
    expect(JSON.stringify(attack).match(/(899|900)/g)?.length).toBeGreaterThanOrEqual(6);
  });

  it('cannot be drawn where nothing can go wrong', () => {
    expect(() => drawAttack({ chances: [], entries: 1, rng: createRng('1') })).toThrow(RangeError);
  });
});

describe('a busy world', () => {
  it.each<[WorldSize, number]>([
    ['busy-day', 6],
    ['busy-hours', 60],
  ])('%s is a scenario that can be written down, for every seed', (size, seeds) => {
    for (let seed = 0; seed < seeds; seed++)
      expect(scenarioProblems(drawBusyWorld(size, createRng(String(seed))))).toEqual([]);
  });

  it('of a day backs eight servers up every hour, over all data paths', () => {
    const { world, steps } = drawBusyWorld('busy-day', createRng('1'));
    const backups = steps
      .flatMap(({ together }) => together?.flat() ?? [])
      .flatMap(({ backup }) => backup ?? []);
    expect(world.servers).toHaveLength(8);
    expect(backups).toHaveLength(8 * 24);
    expect(new Set(backups.map(({ transport }) => transport))).toEqual(new Set(['nbd', 'nbdssl', 'hotadd']));
    expect(steps.filter(({ advance }) => advance !== undefined)).toHaveLength(24);
  });
});
