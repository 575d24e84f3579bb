/**
 * A disk as a qcow2 image, version 3, 64 KiB clusters, no backing file.
 *
 * Everything is appended, so all clusters of the file are in use exactly once and refcounts need no bookkeeping:
 *
 *   header | L1 table | per 512 MiB of disk: data clusters, then their L2 table | refcount table | refcount blocks
 *
 * The header is written last: a broken-off export is no qcow2 image.
 *
 * @source QEMU docs/interop/qcow2.rst
 */
import { BLOCK_BYTES, dataBlocks, diskSizeBytes } from './data-blocks.ts';
import type { ExportSink } from './export-raw.ts';
import type { PointReader } from './repository-api.ts';

const CLUSTER_BITS = 16;
const CLUSTER_BYTES = BLOCK_BYTES;
const TABLE_ENTRIES = CLUSTER_BYTES / 8;
/** Disk bytes under one L2 table. */
const SPAN_BYTES = TABLE_ENTRIES * CLUSTER_BYTES;
/** Refcounts of 16 bits in one block. */
const COUNTS_PER_BLOCK = CLUSTER_BYTES / 2;
/** Set in table entries that point to a cluster with refcount 1. */
const IS_SOLE_USER = 1n << 63n;
const HEADER_BYTES = 104;
const SECTOR_BYTES = 512;

export async function exportQcow2(reader: PointReader, deviceId: string, sink: ExportSink): Promise<void> {
  const image = new Qcow2Image(sink, diskSizeBytes(reader, deviceId));
  for await (const { offset, bytes } of dataBlocks(reader, deviceId)) await image.append(offset, bytes);
  await image.finish();
}

class Qcow2Image {
  readonly #sink: ExportSink;
  readonly #diskBytes: number;
  readonly #l1: Buffer;
  readonly #l1Clusters: number;
  #l2 = Buffer.alloc(CLUSTER_BYTES);
  /** Which L2 table `#l2` is; undefined while it is empty. */
  #span: number | undefined;
  #nextCluster: number;

  constructor(sink: ExportSink, sizeBytes: number) {
    this.#sink = sink;
    this.#diskBytes = ceilDiv(sizeBytes, SECTOR_BYTES) * SECTOR_BYTES;
    this.#l1 = Buffer.alloc(ceilDiv(sizeBytes, SPAN_BYTES) * 8);
    this.#l1Clusters = ceilDiv(this.#l1.length, CLUSTER_BYTES);
    this.#nextCluster = 1 + this.#l1Clusters;
  }

  /** Appends a run of clusters; runs come in ascending order. */
  async append(offset: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const span = Math.floor((offset + at) / SPAN_BYTES);
      const end = Math.min(bytes.length, (span + 1) * SPAN_BYTES - offset);
      await this.#enterSpan(span);
      await this.#appendInSpan(offset + at, bytes.subarray(at, end));
      at = end;
    }
  }

  async finish(): Promise<void> {
    await this.#finishSpan();
    await this.#sink.write(CLUSTER_BYTES, padded(this.#l1));
    const table = this.#nextCluster;
    const { tableClusters, blocks } = refcountLayout(table);
    const clusters = table + tableClusters + blocks;
    await this.#sink.write(table * CLUSTER_BYTES, refcountTable(table, tableClusters, blocks));
    for (let block = 0; block < blocks; block++) {
      await this.#sink.write((table + tableClusters + block) * CLUSTER_BYTES, refcountBlock(block, clusters));
    }
    await this.#sink.truncate(clusters * CLUSTER_BYTES);
    await this.#sink.write(0, this.#header(table, tableClusters));
  }

  async #enterSpan(span: number): Promise<void> {
    if (this.#span !== span) await this.#finishSpan();
    this.#span = span;
  }

  async #appendInSpan(offset: number, bytes: Uint8Array): Promise<void> {
    const clusters = ceilDiv(bytes.length, CLUSTER_BYTES);
    const first = this.#take(clusters);
    for (let each = 0; each < clusters; each++) {
      const entry = (offset / CLUSTER_BYTES + each) % TABLE_ENTRIES;
      this.#l2.writeBigUInt64BE(pointerTo(first + each), entry * 8);
    }
    await this.#sink.write(first * CLUSTER_BYTES, bytes);
  }

  async #finishSpan(): Promise<void> {
    if (this.#span === undefined) return;
    const cluster = this.#take(1);
    this.#l1.writeBigUInt64BE(pointerTo(cluster), this.#span * 8);
    await this.#sink.write(cluster * CLUSTER_BYTES, this.#l2);
    this.#l2 = Buffer.alloc(CLUSTER_BYTES);
    this.#span = undefined;
  }

  #take(clusters: number): number {
    const first = this.#nextCluster;
    this.#nextCluster += clusters;
    return first;
  }

  #header(refcountTableCluster: number, refcountTableClusters: number): Buffer {
    const header = Buffer.alloc(HEADER_BYTES + 8);
    header.write('QFI\xfb', 'latin1');
    header.writeUInt32BE(3, 4);
    header.writeUInt32BE(CLUSTER_BITS, 20);
    header.writeBigUInt64BE(BigInt(this.#diskBytes), 24);
    header.writeUInt32BE(this.#l1.length / 8, 36);
    header.writeBigUInt64BE(BigInt(CLUSTER_BYTES), 40);
    header.writeBigUInt64BE(BigInt(refcountTableCluster) * BigInt(CLUSTER_BYTES), 48);
    header.writeUInt32BE(refcountTableClusters, 56);
    header.writeUInt32BE(4, 96); // refcounts of 2^4 bits
    header.writeUInt32BE(HEADER_BYTES, 100);
    return header;
  }
}

/** Clusters that the refcount structures need when they come last and count themselves too. */
function refcountLayout(clustersBefore: number): { tableClusters: number; blocks: number } {
  let tableClusters = 1;
  let blocks = 1;
  for (;;) {
    const neededBlocks = ceilDiv(clustersBefore + tableClusters + blocks, COUNTS_PER_BLOCK);
    const neededTable = ceilDiv(neededBlocks, TABLE_ENTRIES);
    if (neededBlocks === blocks && neededTable === tableClusters) return { tableClusters, blocks };
    blocks = neededBlocks;
    tableClusters = neededTable;
  }
}

function refcountTable(table: number, tableClusters: number, blocks: number): Buffer {
  const bytes = Buffer.alloc(tableClusters * CLUSTER_BYTES);
  for (let block = 0; block < blocks; block++) {
    bytes.writeBigUInt64BE(BigInt(table + tableClusters + block) * BigInt(CLUSTER_BYTES), block * 8);
  }
  return bytes;
}

function refcountBlock(block: number, clusters: number): Buffer {
  const bytes = Buffer.alloc(CLUSTER_BYTES);
  const used = Math.min(COUNTS_PER_BLOCK, clusters - block * COUNTS_PER_BLOCK);
  for (let at = 0; at < used; at++) bytes.writeUInt16BE(1, at * 2);
  return bytes;
}

function pointerTo(cluster: number): bigint {
  return (BigInt(cluster) * BigInt(CLUSTER_BYTES)) | IS_SOLE_USER;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes], ceilDiv(bytes.length, CLUSTER_BYTES) * CLUSTER_BYTES);
}

function ceilDiv(value: number, by: number): number {
  return Math.ceil(value / by);
}
