import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { renderSweepHtml } from '../../../harness/report/sweep-html.ts';
import { type PageCell, scriptSafeJson } from '../../../harness/report/sweep-page-data.ts';
import { SWEEP_DATA_ID, SWEEP_SCRIPT } from '../../../harness/report/sweep-page-script.ts';
import type { SweepResult } from '../../../harness/sweep/sweep-api.ts';
import { cellResult, point, sweepResult } from './sweep-results.ts';

const login = point('rest.request:login#1');
const step = point('checkpoint:commit#1', 900);
const sweep = sweepResult(
  [login, step],
  [
    cellResult(login, 'kill'),
    cellResult(login, 'delay', 'missed'),
    cellResult(login, 'delay', 'survived', 'sticky'),
    cellResult(step, 'kill', 'violation'),
  ],
);

function render(results: readonly SweepResult[], timeline?: string): string {
  return renderSweepHtml(results, { folder: 'reports/sweep', timelineOf: () => timeline });
}

function cellsIn(page: string): readonly PageCell[] {
  const [, json = ''] = new RegExp(`id="${SWEEP_DATA_ID}">([^<]*)</script>`).exec(page) ?? [];
  return JSON.parse(json) as readonly PageCell[];
}

function buttonsIn(page: string): readonly { readonly outcome: string; readonly cell: number }[] {
  return [...page.matchAll(/<button type="button" tabindex="-1" class="(\w+)" data-cell="(\d+)">/g)].map(
    ([, outcome = '', cell]) => ({ outcome, cell: Number(cell) }),
  );
}

describe('the page of a sweep', () => {
  it('has a button for every run, which leads to that run', () => {
    const page = render([sweep, { ...sweep, scenario: 'W98-other' }]);
    const cells = cellsIn(page);
    expect(buttonsIn(page).map(({ cell }) => cell)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const { outcome, cell } of buttonsIn(page)) expect(cells[cell]?.outcome).toBe(outcome);
    expect(cells.map(({ id }) => id)).toEqual([...sweep.cells, ...sweep.cells].map(({ cell }) => cell.id));
  });

  it('names every scenario, with a way to it, and every point and kind of fault in a heading', () => {
    const page = render([sweep, { ...sweep, scenario: 'W98-other', mutant: 'broken' }]);
    expect(page).toContain('<a href="#W98-other-nbd-mutant-broken">');
    expect(page).toContain('<section id="W98-other-nbd-mutant-broken">');
    expect(page.match(/<th scope="row"[^>]*>login#1</g)).toHaveLength(2);
    expect(page.match(/<th scope="col"><span>delay</g)).toHaveLength(2);
  });

  it('says for a failing run how to repeat it, and only for that', () => {
    const [, , , violation, ...others] = cellsIn(render([sweep], 'the timeline'));
    expect(violation?.command).toBe(
      'backlot replay reports/sweep/failures/W99-example.nbd.checkpoint_commit_1_kill_once.yaml',
    );
    expect(violation?.file).toBe('failures/W99-example.nbd.checkpoint_commit_1_kill_once.yaml');
    expect(violation?.timeline).toBe('the timeline');
    expect(others.filter(({ command }) => command !== undefined)).toEqual([]);
    expect(cellsIn(render([sweep])).filter(({ command }) => command !== undefined)).toHaveLength(1);
  });

  it('needs nothing from anywhere', () => {
    const page = render([sweep]);
    expect(page).not.toMatch(/\b(src|srcset|action)=|@import|url\(|https?:|fetch\(|XMLHttpRequest/);
    expect(page.match(/href="[^#"]/g)).toBeNull();
    expect(page).toContain('name="viewport"');
  });

  it('lists pairs of attacks that were not survived', () => {
    const one = cellResult(login, 'kill + delay', 'violation');
    const pair = { ...one, cell: { ...one.cell, id: 'a + b', points: [login, step] } };
    const good = { ...pair, outcome: 'survived' as const };
    const page = render([{ ...sweep, cells: [...sweep.cells, pair, good] }]);
    expect(page).toContain('2 runs under two attacks or none, 1 with trouble');
    expect(page).toContain('data-cell="4">a + b</button>');
    expect(page).not.toContain('<option>kill + delay');
  });

  it('lets no text become markup, wherever it comes from', () => {
    const evil = `</script><img src=x onerror="alert(1)">'&\u2028<!--`;
    const at = { ...point(`rest.request:${evil}#1`), id: `rest.request:${evil}#1` };
    const finding = { where: evil, expected: evil, actual: evil, evidence: [evil] };
    const result = {
      ...cellResult(at, evil, 'violation'),
      reason: evil,
      findings: [finding],
      detectedBy: evil,
    };
    const both = { ...result, cell: { ...result.cell, points: [at, at] } };
    const page = render(
      [{ ...sweepResult([at], [result, both]), scenario: evil, seed: evil, mutant: evil }],
      evil,
    );
    expect(page).not.toContain('<img');
    expect(page).not.toContain('<!--');
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page).not.toMatch(/="[^"]*onerror="/);
    expect(cellsIn(page)[0]).toMatchObject({ reason: evil, timeline: evil, detectedBy: evil });
  });

  it('has a script that can be read', () => {
    expect(() => new Script(SWEEP_SCRIPT)).not.toThrow();
    expect(SWEEP_SCRIPT).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write|eval\(/);
    expect(SWEEP_SCRIPT).not.toContain('</');
  });
});

describe('JSON for a script element', () => {
  it('reads back as it was and has no bracket in it', () => {
    const value = { text: '</script><!-- & \u2028\u2029', number: 1 };
    expect(JSON.parse(scriptSafeJson(value))).toEqual(value);
    expect(scriptSafeJson(value)).not.toMatch(/[<>&\u2028\u2029]/);
  });
});
