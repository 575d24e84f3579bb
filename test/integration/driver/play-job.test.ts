/** Engines that break the driver protocol, as real programs. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import type { EngineDoor } from '../../../harness/driver/engine-door.ts';
import { type JobOutcome, playJob } from '../../../harness/driver/play-job.ts';
import type { DriverJob } from '../../../harness/driver/protocol.ts';
import { openDoor } from '../../../src/cli/driven/engine-place.ts';
import { createWallClock } from '../../../src/runtime/wall-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-driver-'));
afterAll(() => rmSync(folder, { recursive: true }));

const JOB: DriverJob = {
  protocol: 1,
  job: 'test-1',
  operation: 'backup',
  platform: {
    scpUrl: 'https://127.0.0.1:1',
    caFile: '/none',
    nbdPort: 1,
    credentials: { accessKey: 'a', secretKey: 'b' },
  },
  transport: 'nbd',
  server: { id: 's', name: 'vm1' },
  repository: '/none',
  timeScale: 1,
};

let engines = 0;

/** A shell script as an engine. */
function script(body: string): EngineDoor {
  const command = join(folder, `engine-${++engines}`);
  writeFileSync(command, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return openDoor({ kind: 'exec', command, args: [] }, undefined);
}

function play(door: EngineDoor, limitMs = 10_000): Promise<JobOutcome> {
  return playJob({ door, job: JOB, wall: createWallClock(), limitMs }).outcome;
}

const OK = `echo '{"type":"result","result":"ok","point":"p1"}'`;

describe('a job of a program', () => {
  it('comes as one JSON document on standard input, and ends with a result', async () => {
    const door = script(`cat > ${folder}/job.json; ${OK}`);
    expect(await play(door)).toMatchObject({ kind: 'ok', result: { point: 'p1' } });
    expect(JSON.parse(await text((await import('node:fs')).createReadStream(`${folder}/job.json`)))).toEqual(
      JOB,
    );
  });

  it('may fail, in its own words', async () => {
    const door = script(`echo '{"type":"result","result":"failed","error":"held"}'; exit 1`);
    expect(await play(door)).toMatchObject({ kind: 'failed', error: 'held' });
  });

  it.each([
    ['crashes', 'echo boom >&2; exit 7', 'it ended with exit code 7 without one', 'standard error: boom'],
    ['dies', 'kill -SEGV $$', 'it was ended by SIGSEGV', ''],
    ['says nothing', 'exit 0', 'it ended with exit code 0 without one', ''],
    ['prints junk', `echo Hello; ${OK}`, 'line 1: is not JSON: Hello', 'standard output: Hello'],
    ['ends well with the wrong code', `${OK}; exit 3`, 'exit code 3', ''],
    ['names no point', `echo '{"type":"result","result":"ok"}'`, '{"type":"result","result":"ok"}', ''],
  ])('is a finding when the engine %s', async (_, body, actual, evidence) => {
    const outcome = await play(script(body));
    if (outcome.kind !== 'breach') throw new Error(`it is ${outcome.kind}`);
    expect(outcome.breach.actual).toBe(actual);
    expect(outcome.breach.evidence.join('\n')).toContain(evidence);
  });

  it('is a finding when the engine does not end, and its children end with it', async () => {
    const mark = join(folder, 'child-lives');
    const door = script(`(sleep 0.6; touch ${mark}) & sleep 30`);
    const outcome = await play(door, 200);
    expect(outcome).toMatchObject({
      kind: 'breach',
      breach: { expected: 'an end of the backup within 0.2 s' },
    });
    await play(script('sleep 0.7; exit 1'));
    expect(existsSync(mark)).toBe(false);
  });

  it('is ended at once by a kill, which is no finding', async () => {
    const played = playJob({ door: script('sleep 30'), job: JOB, wall: createWallClock(), limitMs: 20_000 });
    played.kill();
    expect(await played.outcome).toEqual({ kind: 'killed' });
  });

  it('is a finding when the program is not there', async () => {
    const door = openDoor({ kind: 'exec', command: join(folder, 'none'), args: [] }, undefined);
    expect(await play(door)).toMatchObject({
      kind: 'breach',
      breach: { actual: expect.stringContaining('there is no such file') as string },
    });
  });
});

describe('a job of an HTTP endpoint', () => {
  it('is posted, and its lines come as the answer', async () => {
    const bodies: string[] = [];
    const server = createServer(async (request, response) => {
      bodies.push(await text(request));
      response
        .writeHead(200)
        .end('{"type":"log","message":"a"}\n{"type":"result","result":"ok","point":"p1"}\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/job`;
    expect(await play(openDoor({ kind: 'http', url }, undefined))).toMatchObject({ kind: 'ok' });
    expect(bodies.map((body): unknown => JSON.parse(body))).toEqual([JOB]);
    server.close();
    server.closeAllConnections();
    expect(await play(openDoor({ kind: 'http', url }, undefined))).toMatchObject({
      kind: 'breach',
      breach: { expected: 'an engine that takes the job' },
    });
  });
});
