/** What `npm pack` makes, used from an empty folder: the command runs, the library imports. */
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('the packed package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backlot-package-'));
  const installed = join(folder, 'node_modules', 'backlot');

  const run = (command: string, ...args: string[]): string => {
    const done = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
    if (done.status !== 0)
      throw new Error(`${command} ${args.join(' ')} ended with ${done.status}: ${done.stderr}${done.stdout}`);
    return done.stdout;
  };

  beforeAll(() => {
    run('npm', 'pack', '--prefix', resolve('.'), '--pack-destination', folder, resolve('.'));
    const archive = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? 'nothing was packed';
    mkdirSync(installed, { recursive: true });
    run('tar', '-xzf', join(folder, archive), '--strip-components=1', '-C', installed);
    // Its dependencies are those of this checkout.
    for (const name of readdirSync('node_modules')) {
      if (name !== 'backlot') symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name));
    }
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has nothing that publint complains about', async () => {
    const { messages } = await publint({ pkgDir: installed, strict: true });
    expect(messages).toEqual([]);
  });

  it('brings no sources, tests or reports', () => {
    const names = readdirSync(installed).toSorted();
    expect(names).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json', 'scenarios']);
  });

  it('runs a scenario from an empty folder', () => {
    const bin = join(installed, 'dist', 'src', 'cli', 'main.js');
    const out = run(process.execPath, bin, 'run', 'S001', '--report', join(folder, 'reports'));
    expect(out).toContain('3 passed');
  });

  it('is a library: an engine backs a simulated server up, in virtual time', () => {
    writeFileSync(
      join(folder, 'use.mjs'),
      `import { createEngine, createIdSource, createRepository, createRng, createSimulator, MemoryStorage, syncCodec, VirtualClock } from 'backlot';
       const clock = new VirtualClock(Date.UTC(2026, 0, 1));
       const simulator = await createSimulator();
       const { world } = await simulator.createWorld({ seed: 'use', clock, inventory: 'tiny' });
       const ids = createIdSource(createRng('use'));
       const repository = createRepository({ storage: new MemoryStorage(), codec: syncCodec, clock, ids });
       const engine = createEngine({
         clock, ids, repository, scp: simulator.transport,
         credentials: { kind: 'ec2', accessKey: world.credentials[0].accessKey, secretKey: world.credentials[0].secretKey },
         dialNbd: (host, port, signal) => simulator.dialNbd(host, port, signal),
       });
       const server = world.servers.list().find(({ osName }) => osName !== 'Backup Proxy');
       const result = await clock.run(engine.backup({ server: server.id, transport: 'nbdssl' }));
       console.log(result.kind, result.disks.length === server.disks.length);
       await simulator[Symbol.asyncDispose]();`,
    );
    expect(run(process.execPath, 'use.mjs').trim()).toBe('full true');
  });

  it('is a conformance suite for the vitest of another project', () => {
    writeFileSync(
      join(folder, 'conformance.test.mjs'),
      `import { afterAll, describe, it } from 'vitest';
       import { createEngine, defineConformanceSuite } from 'backlot';
       const suite = { scenarios: ['S006'], capabilities: ['nbd', 'incremental'], describe, it, afterAll };
       defineConformanceSuite({ ...suite, name: 'sound', engine: createEngine });
       defineConformanceSuite({ ...suite, name: 'blind', engine: (environment, options) => createEngine({
         ...environment,
         scp: { ...environment.scp, close: () => environment.scp.close(), send: async (request, signal) => {
           const answer = await environment.scp.send(request, signal);
           if (!request.path.includes('/cbt/changed-areas')) return answer;
           const body = JSON.parse(answer.body);
           return { ...answer, body: JSON.stringify({ ...body, data: { ...body.data, length: 4194304, changed_area: [] } }) };
         } },
       }, options) });`,
    );
    const vitest = join(folder, 'node_modules', 'vitest', 'vitest.mjs');
    const told = join(folder, 'told.json');
    const words = [vitest, 'run', '--root', folder, '--reporter=json', `--outputFile=${told}`];
    const done = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });
    const { testResults } = JSON.parse(readFileSync(told, 'utf8')) as {
      testResults: { assertionResults: { fullName: string; status: string; failureMessages: string[] }[] }[];
    };
    const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
    const played = (name: string) => tests.find(({ fullName }) => fullName.startsWith(`${name} S006`));
    expect(done.status).toBe(1);
    expect(played('sound')?.status).toBe('passed');
    expect(
      tests.filter(({ fullName, status }) => fullName.startsWith('sound') && status === 'failed'),
    ).toEqual([]);
    expect(played('blind')?.status).toBe('failed');
    expect(played('blind')?.failureMessages[0]).toContain('data was lost or taken for a hole');
    expect(played('blind')?.failureMessages[0]).toContain('Repeat it: ');
  });
});
