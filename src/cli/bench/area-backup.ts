/** A full backup of a 4 GiB disk by the reference engine, end to end, beside nbdcopy of the same disk to a file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool, runTimed } from './child.ts';
import { type BenchArea, type BenchResult, inTurns, median, medianRatio } from './measure.ts';
import { MAIN, openExport, startServe, writeInventory } from './serve-child.ts';

const DISK_BYTES = 4 * 2 ** 30;

export const benchBackup: BenchArea = async ({ rounds, note }) => {
  requireTool('nbdcopy', 'libnbd-bin');
  const folder = mkdtempSync(join(tmpdir(), 'backlot-bench-'));
  const results: BenchResult[] = [];
  try {
    await using serve = await startServe(
      '--clock',
      'virtual',
      '--inventory',
      writeInventory(folder, DISK_BYTES),
    );
    const { ready } = serve;
    const env = { BACKLOT_ACCESS_KEY: ready.accessKey, BACKLOT_SECRET_KEY: ready.secretKey };
    const port = new URL(ready.nbd).port;
    const repository = join(folder, 'repository');
    const image = join(folder, 'image.raw');
    const backup = (transport: string) => async (): Promise<number> => {
      rmSync(repository, { recursive: true, force: true });
      return runTimed(
        process.execPath,
        [
          MAIN,
          'backup',
          '--scp',
          ready.scp,
          '--ca',
          ready.caFile,
          '--nbd-port',
          port,
          '--vm',
          'bench',
          '--transport',
          transport,
          '--repo',
          repository,
          '--full',
          '--json',
        ],
        env,
      );
    };
    await using peerServe = await startServe('--inventory', writeInventory(folder, DISK_BYTES));
    const { exportName } = await openExport(peerServe);
    const path = encodeURIComponent(exportName).replaceAll('%2F', '/');
    const peerPort = new URL(peerServe.ready.nbd).port;
    const peers = {
      nbd: `nbd://127.0.0.1:${peerPort}/${path}`,
      nbdssl: `nbds://localhost:${peerPort}/${path}?tls-certificates=${peerServe.folder}`,
    };
    for (const transport of ['nbd', 'nbdssl'] as const) {
      note(`full backup of 4 GiB over ${transport}, ${rounds} rounds of both`);
      const copy = async (): Promise<number> => {
        rmSync(image, { force: true });
        return runTimed('nbdcopy', [peers[transport], image]);
      };
      const times = await inTurns(rounds, { ours: backup(transport), peer: copy });
      results.push({
        area: 'backup',
        name: `full backup of 4 GiB, ${transport}`,
        unit: 's',
        better: 'lower',
        value: median(times.ours) / 1000,
        rounds,
        peer: 'nbdcopy to a file',
        peerValue: median(times.peer) / 1000,
        ratio: medianRatio(times.ours, times.peer),
      });
    }
    return results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
