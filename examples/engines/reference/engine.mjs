#!/usr/bin/env node
/**
 * backlot's own command line as an engine of somebody else: the driver protocol on one side, `backlot backup`,
 * `restore`, `unprotect` and `cleanup` on the other. A job comes as JSON on standard input; JSON lines go out.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';

const BACKLOT = process.env.BACKLOT_COMMAND ?? fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));

const job = JSON.parse(await text(process.stdin));
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

say({ type: 'log', message: `${job.operation} over ${job.transport}` });
const { code, answer } = await run(...wordsOf(job));
if (code === 0) say({ type: 'result', result: 'ok', ...resultOf(job, answer) });
else say({ type: 'result', result: 'failed', error: answer.error?.message ?? `backlot ended with ${code}` });
process.exitCode = code === 0 ? 0 : 1;

/** The command and its arguments for a job. */
function wordsOf({ operation, platform, transport, guestDir, repository, server, restore, timeScale }) {
  const { scpUrl, caFile, nbdPort } = platform;
  const time = ['--time-scale', Math.max(1, timeScale)];
  const common = ['--scp', scpUrl, '--ca', caFile, '--nbd-port', nbdPort, '--repo', repository, ...time, '--json'];
  // Short locks, so that what a killed job held is free again soon.
  const path = ['--lock-time', 180, '--transport', transport, ...(transport === 'hotadd' ? ['--guest-dir', guestDir] : [])];
  switch (operation) {
    case 'backup':
      return ['backup', ...common, ...path, '--vm', server.id, '--full'];
    case 'incremental':
      return ['backup', ...common, ...path, '--vm', server.id];
    case 'restore': {
      const { point, to } = restore;
      const target = 'newName' in to ? ['--to', 'new', '--name', to.newName] : ['--to', to.server];
      return ['restore', ...common, ...path, '--point', point, ...target];
    }
    case 'unprotect':
      return ['unprotect', ...common, '--vm', server.id];
    default:
      return ['cleanup', ...common];
  }
}

function resultOf({ operation }, answer) {
  const warnings = answer.warnings ?? [];
  if (operation === 'restore') return { server: answer.server.id, warnings };
  if (operation === 'cleanup' || operation === 'unprotect') return { warnings };
  const readBytes = answer.disks.reduce((sum, disk) => sum + disk.readBytes, 0);
  return { point: answer.pointId, mode: answer.kind, readBytes, warnings };
}

/** Runs backlot to its end. Its standard error goes to ours; the last line of its output is the answer. */
async function run(...words) {
  const child = spawn(process.execPath, [BACKLOT, ...words.map(String)], {
    env: { ...process.env, ...secretsOf(job.platform.credentials) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await text(child.stdout);
  const code = child.exitCode ?? (await new Promise((resolve) => child.once('exit', resolve)));
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  return { code, answer: last.startsWith('{') ? JSON.parse(last) : {} };
}

function secretsOf(login) {
  return 'accessKey' in login
    ? { BACKLOT_ACCESS_KEY: login.accessKey, BACKLOT_SECRET_KEY: login.secretKey }
    : { BACKLOT_USERNAME: login.username, BACKLOT_PASSWORD: login.password };
}
