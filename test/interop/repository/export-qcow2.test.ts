/** QEMU's own tools on our images. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../../src/kernel/rng.ts';
import { exportQcow2 } from '../../../src/repository/export-qcow2.ts';
import { type ExportSink, exportDisk } from '../../../src/repository/export-raw.ts';
import type { PointReader } from '../../../src/repository/repository-api.ts';
import { createFileSink } from '../../../src/runtime/file-sink.ts';
import { createTestRepository, writePoint } from '../../unit/repository/test-repository.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;
const noise = createRng('qcow2').bytes(3 * MIB);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backlot-qcow2-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('qemu-img', () => {
  it.each([
    ['small', 10 * MIB, { 0: noise.subarray(0, 100_000), [9 * MIB]: noise.subarray(0, MIB) }],
    ['empty', 10 * MIB, {}],
    ['odd-size', 10 * MIB + 512, { [10 * MIB]: noise.subarray(0, 512) }],
    ['several-l2-tables', 3000 * MIB, { 0: noise, [511 * MIB]: noise, [2047 * MIB + 4096]: noise }],
  ])('finds the %s disk clean and identical to its raw export', async (name, sizeBytes, writes) => {
    const reader = await readerOf(writes, sizeBytes);
    const file = join(folder, name);
    await exported(`${file}.qcow2`, (sink) => exportQcow2(reader, 'ide0', sink));
    await exported(`${file}.raw`, (sink) => exportDisk(reader, 'ide0', sink));
    await checkClean(`${file}.qcow2`);
    const compared = await run('qemu-img', [
      'compare',
      '-f',
      'qcow2',
      '-F',
      'raw',
      `${file}.qcow2`,
      `${file}.raw`,
    ]);
    expect(compared.stdout).toContain('Images are identical.');
  });

  it('finds a 64 TiB disk clean, of that size and with data only where there is some', async () => {
    const sizeBytes = 64 * 2 ** 40;
    const reader = await readerOf(
      { 5: noise.subarray(0, 5), [sizeBytes - 512]: noise.subarray(0, 512) },
      sizeBytes,
    );
    const file = join(folder, 'huge.qcow2');
    await exported(file, (sink) => exportQcow2(reader, 'ide0', sink));
    await checkClean(file);
    const info: unknown = JSON.parse((await run('qemu-img', ['info', '--output', 'json', file])).stdout);
    expect(info).toMatchObject({ 'virtual-size': sizeBytes, 'cluster-size': 65_536, 'dirty-flag': false });
    expect((await stat(file)).size).toBeLessThan(2 * MIB);
  });

  it('finds an image clean that only its own refcounts make too large for one refcount block', async () => {
    // One block counts 32,768 clusters; header, L1 and four L2 tables leave 32,761 for data to come to one less.
    const writes: Record<number, Uint8Array> = { [2046 * MIB]: noise.subarray(0, 25 * 65_536) };
    for (let at = 0; at < 682; at++) writes[at * 3 * MIB] = noise;
    const reader = await readerOf(writes, 2100 * MIB);
    const file = join(folder, 'many-clusters.qcow2');
    await exported(file, (sink) => exportQcow2(reader, 'ide0', withoutData(sink)));
    expect((await stat(file)).size).toBe((32_767 + 3) * 65_536);
    await checkClean(file);
  });
});

async function readerOf(writes: Record<number, Uint8Array>, sizeBytes: number): Promise<PointReader> {
  const { repository } = createTestRepository({ chunkBytes: MIB, openChunks: 16 });
  const point = await writePoint(repository, writes, { sizeBytes });
  return repository.open(point.id);
}

async function exported(file: string, write: (sink: ExportSink) => Promise<void>): Promise<void> {
  await using sink = await createFileSink(file);
  await write(sink);
}

/** The tables are what is checked; two gigabytes of data would only take time. */
function withoutData(sink: ExportSink): ExportSink {
  const write = async (offset: number, bytes: Uint8Array): Promise<void> => {
    if (bytes.length < MIB) await sink.write(offset, bytes);
  };
  return { write, truncate: (sizeBytes) => sink.truncate(sizeBytes) };
}

async function checkClean(file: string): Promise<void> {
  const check = await run('qemu-img', ['check', '-f', 'qcow2', '--output', 'json', file]);
  const report: unknown = JSON.parse(check.stdout);
  expect(report).toMatchObject({ 'check-errors': 0, format: 'qcow2' });
  expect(report).not.toHaveProperty('leaks');
  expect(report).not.toHaveProperty('corruptions');
}
