/** Results for people. With --json the result itself is printed instead. */
import type { BackupResult, CleanupResult, RestoreResult, UnprotectResult } from '../../engine/engine-api.ts';
import type { PointInfo, PruneReport, VerifyReport } from '../../repository/repository-api.ts';
import { formatBytes, formatDuration } from './sizes.ts';
import { formatTable } from './text-table.ts';

export function renderBackup(result: BackupResult): string {
  const rows = result.disks.map((disk) => [
    disk.deviceId,
    formatBytes(disk.sizeBytes),
    formatBytes(disk.readBytes),
    disk.method,
  ]);
  const because = result.fullBecause === '' ? '' : ` (full because: ${result.fullBecause})`;
  return [
    `${result.kind} backup of ${result.server.name} is restore point ${result.pointId}${because}\n`,
    `over ${renderPath(result)} in ${formatDuration(result.durationMs)}, lock renewed ${result.renewals} times, ${result.reconnects} reconnects\n\n`,
    formatTable(['disk', 'size', 'read', 'found by'], rows),
    renderWarnings(result.warnings),
  ].join('');
}

export function renderRestore(result: RestoreResult): string {
  const rows = result.disks.map((disk) => [
    disk.deviceId,
    formatBytes(disk.writtenBytes),
    formatBytes(disk.zeroBytes),
  ]);
  return [
    `restored ${result.pointId} to ${result.server.name} (${result.server.id})\n`,
    `over ${renderPath(result)} in ${formatDuration(result.durationMs)}${renderDifferential(result)}\n\n`,
    formatTable(['disk', 'written', 'zeros'], rows),
    renderWarnings(result.warnings),
  ].join('');
}

function renderPath({ transport, proxy }: Pick<BackupResult, 'transport' | 'proxy'>): string {
  return proxy === undefined ? transport : `${transport} through proxy ${proxy}`;
}

function renderDifferential({ differential, wholeBecause }: RestoreResult): string {
  if (differential === undefined) return '';
  return differential ? ', only what differed' : `, everything, because ${wholeBecause}`;
}

export function renderPoints(points: readonly PointInfo[]): string {
  if (points.length === 0) return 'no restore points yet; make one with backlot backup\n';
  const rows = points.map((point) => [
    point.id,
    point.serverName,
    point.kind,
    formatBytes(point.disks.reduce((sum, disk) => sum + disk.sizeBytes, 0)),
    point.disks.map((disk) => disk.deviceId).join(','),
  ]);
  return formatTable(['point', 'server', 'kind', 'size', 'disks'], rows);
}

export function renderVerify(report: VerifyReport): string {
  if (report.points.length === 0) return 'no restore points yet: nothing was verified\n';
  const rows = report.points.map((point) => [
    point.id,
    String(point.chunks),
    formatBytes(point.bytes),
    point.problems.length === 0 ? 'ok' : point.problems.join('; '),
  ]);
  return formatTable(['point', 'chunks', 'bytes', 'verdict'], rows);
}

export function renderPrune(report: PruneReport): string {
  const removed = report.removedPoints.map((id) => `removed ${id}\n`).join('');
  const postponed = report.sweepPostponedBy ?? [];
  const freed =
    postponed.length === 0
      ? `freed ${formatBytes(report.freedBytes)} in ${report.removedChunks} chunks`
      : 'no space freed yet: a backup is at work; run prune again when it is done';
  return `${removed}${report.keptPoints} points kept; ${freed}\n`;
}

export function renderCleanup(result: CleanupResult): string {
  const removed = result.removed.map((item) => `removed ${item.kind} ${item.id}\n`).join('');
  return `${removed || 'nothing was left behind\n'}${renderWarnings(result.warnings)}`;
}

const ENDS: { readonly [outcome in UnprotectResult['outcome']]: string } = {
  'switched-off': 'changes are tracked no more',
  'already-off': 'changes were not tracked any more',
  'left-as-found': 'tracking is on as it was before the first backup; --force switches it off',
  'server-gone': 'the server does not exist any more; there is nothing to switch off',
};

export function renderUnprotect({ server, outcome, disks, warnings }: UnprotectResult): string {
  const which = disks.length === 0 ? '' : ` (${disks.join(', ')})`;
  return `${server.name}: ${ENDS[outcome]}${which}\n${renderWarnings(warnings)}`;
}

function renderWarnings(warnings: readonly string[]): string {
  return warnings.map((warning) => `warning: ${warning}\n`).join('');
}
