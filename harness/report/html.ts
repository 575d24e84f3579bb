/**
 * One page that stands alone: it asks no network for anything, opens from a mail, and says the same without its script
 * but for the pictures. The verdict is on top for those who read no further.
 */
import { pageData } from './page/page-data.ts';
import { renderEngine } from './page/page-engine.ts';
import { renderRules } from './page/page-rules.ts';
import { renderScenarios } from './page/page-scenarios.ts';
import { PAGE_DATA_ID, PAGE_SCRIPT } from './page/page-script.ts';
import { PAGE_STYLE } from './page/page-style.ts';
import { renderComparison, renderEnvironment, renderProblems, renderVerdict } from './page/page-verdict.ts';
import type { Report } from './report.ts';

/** The browser itself refuses whatever would go out. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

export function renderHtml(report: Report): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<link rel="icon" href="data:,"><title>${report.verdict.outcome}: backlot report</title><style>${PAGE_STYLE}</style></head>
<body>
${renderVerdict(report)}
<main>
${renderProblems(report)}
${renderComparison(report)}
${renderEngine(report)}
${renderRules(report)}
${renderScenarios(report)}
${renderEnvironment(report)}
</main>
<noscript><p>Timelines and maps of disks are drawn by a script; the commands show the same as text.</p></noscript>
<script type="application/json" id="${PAGE_DATA_ID}">${pageData(report)}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}
