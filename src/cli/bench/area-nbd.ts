/**
 * Sequential read of a full 4 GiB disk by nbdcopy: the simulator's NBD service, from the disk model, beside nbdkit's
 * memory plugin that holds the same bytes. Plain and over TLS, in turns.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClusterCa } from '../../../simulator/app/pki.ts';
import { freePort, portOpen, requireTool, runTimed, start } from './child.ts';
import { type BenchArea, type BenchResult, inTurns, median, medianRatio } from './measure.ts';
import { openExport, type ServeChild, startServe, writeInventory } from './serve-child.ts';

const DISK_BYTES = 4 * 2 ** 30;

export const benchNbdRead: BenchArea = async ({ rounds, note }) => {
  requireTool('nbdcopy', 'libnbd-bin');
  requireTool('nbdkit', 'nbdkit');
  const folder = mkdtempSync(join(tmpdir(), 'backlot-bench-'));
  try {
    await using serve = await startServe('--inventory', writeInventory(folder, DISK_BYTES));
    const { exportName } = await openExport(serve);
    const peerPort = await freePort();
    const peerTls = writePeerCertificate(folder);
    // `--tls=on` serves both kinds of client; the bytes lie in memory once.
    await using peer = start('nbdkit', [
      '-f',
      '-i',
      '127.0.0.1',
      '-p',
      String(peerPort),
      '--tls=on',
      `--tls-certificates=${peerTls}`,
      'memory',
      '4G',
      'allocator=malloc',
    ]);
    void peer;
    const uri = ours(serve, exportName);
    const peerUri = {
      plain: `nbd://127.0.0.1:${peerPort}/`,
      tls: `nbds://localhost:${peerPort}/?tls-certificates=${peerTls}`,
    };
    await portOpen(peerPort);
    note('filling the peer with the same bytes');
    await runTimed('nbdcopy', [uri.plain, peerUri.plain]);
    return [
      await compare('plain', 0.8, rounds, uri.plain, peerUri.plain, note),
      await compare('TLS', 0.9, rounds, uri.tls, peerUri.tls, note),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

function ours(serve: ServeChild, exportName: string): { plain: string; tls: string } {
  const port = new URL(serve.ready.nbd).port;
  const path = encodeURIComponent(exportName).replaceAll('%2F', '/');
  return {
    plain: `nbd://127.0.0.1:${port}/${path}`,
    tls: `nbds://localhost:${port}/${path}?tls-certificates=${serve.folder}`,
  };
}

function writePeerCertificate(folder: string): string {
  const ca = createClusterCa({ clusterId: 'bench' });
  const identity = ca.hostIdentity('127.0.0.1');
  writeFileSync(join(folder, 'ca-cert.pem'), ca.pem);
  writeFileSync(join(folder, 'server-cert.pem'), identity.pem);
  writeFileSync(join(folder, 'server-key.pem'), identity.keyPem, { mode: 0o600 });
  return folder;
}

async function compare(
  kind: 'plain' | 'TLS',
  least: number,
  rounds: number,
  uri: string,
  peerUri: string,
  note: (text: string) => void,
): Promise<BenchResult> {
  note(`reading 4 GiB over ${kind} NBD, ${rounds} rounds of both`);
  const speed = (from: string) => async (): Promise<number> => {
    const ms = await runTimed('nbdcopy', [from, 'null:']);
    return DISK_BYTES / 1e6 / (ms / 1000);
  };
  const speeds = await inTurns(rounds, { ours: speed(uri), peer: speed(peerUri) });
  const ratio = medianRatio(speeds.ours, speeds.peer);
  return {
    area: 'nbd',
    name: `sequential read, ${kind}`,
    unit: 'MB/s',
    better: 'higher',
    value: median(speeds.ours),
    rounds,
    peer: 'nbdkit memory',
    peerValue: median(speeds.peer),
    ratio,
    target: `ratio >= ${least}`,
    isReached: ratio >= least,
  };
}
