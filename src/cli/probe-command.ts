/** `backlot probe URL`: reads a live SCP and tells where it differs from the simulator. */
import type { Command } from 'commander';
import { writeFileSync } from 'node:fs';
import { createRawGet, type LiveAccess } from '../../harness/live/live-client.ts';
import { differencesBetween, type Look, lookAt } from '../../harness/live/probe.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import { renderDifferencesTable } from './live-differences-table.ts';
import { createRandomIds } from '../runtime/random-ids.ts';
import { createWallClock } from '../runtime/wall-clock.ts';
import { CliError, EXIT } from './cli-error.ts';
import { explainFailure } from './backup/exit-code.ts';
import { type AccessFlags, openLiveAccess } from './live-access.ts';
import { renderDifferences } from './live-differences.ts';

interface ProbeFlags extends AccessFlags {
  readonly vm?: string;
  readonly out?: string;
  readonly json?: boolean;
}

export function registerProbe(program: Command): void {
  program
    .command('probe')
    .description(
      'read a live SCP and tell where it differs from the simulator: calls, fields, version, limits',
    )
    .argument('<url>', 'the platform, https://HOST or https://HOST:PORT')
    .option('--vm <id>', 'look at this server only (the first few that are listed)')
    .option('--out <file>', 'write the differences there; "backlot serve --differences FILE" takes them on')
    .option('--ca <file>', 'PEM file of the CA that signed its certificate')
    .option('--insecure', 'trust any certificate of the platform')
    .option('--credentials <file>', 'JSON file with the secrets; else from the environment, as for backup')
    .option('--json', 'one JSON document on standard output')
    .addHelpText(
      'after',
      `
Only GET requests are sent, and the login. The file holds names of calls and fields, nothing of your inventory.

Examples:
  backlot probe https://scp.example.org --ca ca.pem
  backlot probe https://scp.example.org --insecure --out differences.yaml
  backlot serve --differences differences.yaml
Exit codes: 0 nothing differs, 1 something does, 2 wrong usage, 3 environment, 70 internal error.`,
    )
    .action(probe);
}

async function probe(url: string, flags: ProbeFlags): Promise<void> {
  await using open = await openLiveAccess(url, flags);
  const simulated = await lookAtSimulator();
  const live = await lookAtLive(open.access, flags);
  const differences = differencesBetween(live, simulated);
  if (flags.out !== undefined) writeOut(flags.out, renderDifferences(differences));
  const { platform, endpoints, envelopes, fields, limits } = differences;
  const count =
    Object.keys(platform).length +
    endpoints.length +
    envelopes.length +
    fields.length +
    Object.keys(limits).length;
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ url, version: live.version, calls: live.answers, count, differences })}\n`
      : renderDifferencesTable(live, differences),
  );
  process.exitCode = count === 0 ? EXIT.ok : EXIT.findings;
}

async function lookAtLive(access: LiveAccess, { vm }: ProbeFlags): Promise<Look> {
  try {
    const look = await lookAt({ get: createRawGet(access), ...(vm === undefined ? {} : { server: vm }) });
    const withLogin = look.answers.filter(({ operation }) => !operation.startsWith('public-key'));
    if (withLogin.every(({ status }) => status === 401))
      throw new CliError('environment', 'the platform refuses the login', 'Check the credentials.');
    return look;
  } catch (error) {
    if (error instanceof CliError) throw error;
    const { message, hint, exitCode } = explainFailure(error);
    if (exitCode === EXIT.internal) throw error;
    throw new CliError('environment', message, hint.replace('--scp', 'the address'), { cause: error });
  }
}

/** The same walk over a simulator in this process. */
async function lookAtSimulator(): Promise<Look> {
  await using simulator = await createSimulator();
  const clock = createWallClock({ isBackground: true });
  const { world } = await simulator.createWorld({ seed: 'probe', clock, inventory: 'tiny' });
  const [login] = world.credentials;
  const { accessKey = '', secretKey = '' } = login ?? {};
  const credentials = { kind: 'ec2', accessKey, secretKey } as const;
  // Awaited here: the simulator goes when this returns.
  return await lookAt({
    get: createRawGet({ transport: simulator.transport, credentials, clock, ids: createRandomIds() }),
  });
}

function writeOut(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CliError('environment', `${file} cannot be written: ${String(error)}`);
  }
}
