/** Differences between a platform and the simulator, for people. */
import type { Look } from '../../harness/live/probe.ts';
import { type Differences, REFERENCE_VERSION } from '../contract/differences.ts';

export function renderDifferencesTable(live: Look, differences: Differences): string {
  const { platform, endpoints, envelopes, fields, limits, untried } = differences;
  const { pageSize, headers = [] } = limits;
  const rows: (readonly [string, string, string])[] = [
    ...(platform.version === undefined
      ? []
      : [['version', 'platform', `${platform.version} (simulator: ${REFERENCE_VERSION})`] as const]),
    ...endpoints.map(
      ({ operation, path, status }) =>
        ['call', operation, `answers ${status}${path === undefined ? '' : ` at ${path}`}`] as const,
    ),
    ...envelopes.map(({ operation, seen }) => ['envelope', operation, seen] as const),
    ...fields.map(
      ({ operation, field, difference, expected, seen }) =>
        [`field ${difference}`, operation, `${field}${kinds(expected, seen)}`] as const,
    ),
    ...(pageSize === undefined
      ? []
      : [['limit', 'page_size', `at most ${pageSize.most}; more is ${pageSize.beyond}`] as const]),
    ...headers.map((name) => ['limit', 'header', name] as const),
    ...untried.map(({ operation, why }) => ['not tried', operation, why] as const),
  ];
  const widths = [0, 1].map((at) => Math.max(0, ...rows.map((row) => row[at]?.length ?? 0)));
  const lines = rows.map(([what, where, how]) =>
    `${what.padEnd(widths[0] ?? 0)}  ${where.padEnd(widths[1] ?? 0)}  ${how}`.trimEnd(),
  );
  const answered = live.answers.filter(({ status }) => status >= 200 && status < 300).length;
  const differing = rows.length - untried.length;
  const head = `Version ${live.version || 'unknown'}. ${answered} of ${live.answers.length} paths answer.`;
  return `${[head, ...lines, differing === 0 ? 'Nothing differs.' : `${differing} differences.`].join('\n')}\n`;
}

function kinds(expected: string | undefined, seen: string | undefined): string {
  if (seen === undefined) return '';
  return expected === undefined ? ` (${seen})` : ` (${seen}, not ${expected})`;
}
