/** What makes two failures the same: who found it, and what it is, without the names and numbers of one run. */
import type { RunRecord } from '../runner/run-once.ts';

export function failureKind({ outcome, findings }: RunRecord): string | undefined {
  const [finding] = findings;
  if (outcome !== 'failed' || finding === undefined) return undefined;
  return `${placeOf(finding.where)}: ${plain(finding.actual)}`;
}

/** Steps lose their numbers, and that they ran beside others: both change when others are taken away. */
function placeOf(where: string): string {
  return where.replace(/^steps\.\S+ (together\S* )*/, '').replaceAll(/\.\d+/g, '');
}

const KIND_CHARACTERS = 40;

function plain(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '#')
    .replaceAll(/\b[0-9a-f]{8,}\b/g, '#')
    .replaceAll(/\d+/g, '#')
    .slice(0, KIND_CHARACTERS);
}
