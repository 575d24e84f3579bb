/**
 * `npm test`: installs the interop peers where it may, runs every vitest project (or those named), and ends with the
 * line `N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface VitestSummary {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly success: boolean;
}

const arguments_ = process.argv.slice(2);
const projects = arguments_.flatMap((name) => ['--project', name]);
if (arguments_.length === 0 || arguments_.some((name) => name === 'interop' || name === 'e2e')) {
  await import('./install-peers.ts');
}
const folder = mkdtempSync(join(tmpdir(), 'backlot-test-'));
const summaryFile = join(folder, 'summary.json');
const run = spawnSync(
  'vitest',
  ['run', ...projects, '--reporter=default', '--reporter=json', `--outputFile.json=${summaryFile}`],
  { stdio: 'inherit' },
);
let exitCode = run.status ?? 70;
try {
  const summary = JSON.parse(readFileSync(summaryFile, 'utf8')) as VitestSummary;
  const skipped = summary.numPendingTests + summary.numTodoTests;
  // A suite that could not even be loaded has no failed test, yet the run did not succeed.
  const failed = Math.max(summary.numFailedTests, summary.success && exitCode === 0 ? 0 : 1);
  if (failed > 0) exitCode ||= 1;
  process.stdout.write(`${summary.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`);
} catch (error) {
  process.stdout.write(`vitest left no summary: ${String(error)}\n0 passed, 1 failed\n`);
  exitCode ||= 70;
}
rmSync(folder, { recursive: true, force: true });
process.exitCode = exitCode;
