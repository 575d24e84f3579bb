/** The verdict as a badge for a README: an SVG that stands alone. */
import { escapeMarkup } from './escape-markup.ts';
import type { Report } from './report.ts';

const COLOURS = { pass: '#18794e', fail: '#cd2b31', inconclusive: '#ad5700', broken: '#6e56cf' } as const;
const LABEL = 'backlot';
/** Average width of a letter of 11 px, and what is left free on both sides. */
const LETTER = 6.6;
const PADDING = 12;

export function renderBadge({ verdict, summary, rules }: Report): string {
  const played = summary.passed + summary.failed + summary.inconclusive + summary.broken;
  const kept = rules.filter(({ outcome }) => outcome === 'passed').length;
  const size = kept === 0 ? `${summary.passed}/${played} scenarios` : `${kept} rules`;
  const value = `${verdict.outcome}, ${size}`;
  const left = widthOf(LABEL);
  const right = widthOf(value);
  const said = escapeMarkup(`${LABEL}: ${value}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${said}">
<title>${said}</title>
<clipPath id="r"><rect width="${left + right}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="${left}" height="20" fill="#444"/><rect x="${left}" width="${right}" height="20" fill="${COLOURS[verdict.outcome]}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="${left / 2}" y="14">${LABEL}</text><text x="${left + right / 2}" y="14">${escapeMarkup(value)}</text></g>
</svg>
`;
}

function widthOf(text: string): number {
  return Math.ceil(text.length * LETTER) + PADDING;
}
