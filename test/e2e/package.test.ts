/** What `npm pack` makes, used from an empty folder: the command runs, the library imports. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
});
