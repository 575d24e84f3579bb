/** Somebody else's engine: what it declares against what was seen of it, and what somebody has signed for. */
import { CAPABILITIES } from '../../driver/capabilities.ts';
import { escapeMarkup } from '../escape-markup.ts';
import type { Report } from '../report.ts';
import { ruleAnchor } from './page-words.ts';

type Engine = NonNullable<Report['engine']>;

export function renderEngine({ engine }: Report): string {
  if (engine === undefined) return '';
  const { name, version, reasons, capabilities, waivers } = engine;
  const why = reasons.map((reason) => `<li>${escapeMarkup(reason)}</li>`).join('');
  const signed = waivers.map(renderWaiver).join('');
  return `<section aria-labelledby="engine"><h2 id="engine">The engine: ${escapeMarkup(name)}${version === undefined ? '' : ` ${escapeMarkup(version)}`}</h2>
${why === '' ? '' : `<ul>${why}</ul>`}
<details class="area"><summary><b>Declared</b> <span class="name">what it says that it can do, and what was seen</span></summary><ul class="plain">${capabilities.map(renderCapability).join('')}</ul></details>
${signed === '' ? '' : `<details class="area" open><summary><b>Waived</b> <span class="name">what somebody has signed for</span></summary><ul class="plain">${signed}</ul></details>`}</section>`;
}

const STATES = {
  shown: ['passed', 'shown'],
  absent: ['not-applicable', 'not declared'],
  'not-asked': ['inconclusive', 'no job asked for it'],
  'not-seen': ['violated', 'declared, never seen'],
  undeclared: ['violated', 'seen, not declared'],
} as const;

function renderCapability({ capability, state }: Engine['capabilities'][number]): string {
  const [tone, words] = STATES[state];
  return `<li><span class="chip ${tone}">${words}</span> <code>${escapeMarkup(capability)}</code> The engine ${escapeMarkup(CAPABILITIES[capability])}.</li>`;
}

function renderWaiver({ rule, state, sentence }: Engine['waivers'][number]): string {
  const tone = state === 'expired' ? 'violated' : 'waived';
  return `<li><span class="chip ${tone}">${state}</span> <a href="#${ruleAnchor(rule)}">${escapeMarkup(rule)}</a> ${escapeMarkup(sentence)}</li>`;
}
