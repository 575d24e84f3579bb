/**
 * Script of the report: draws what is opened, filters, follows links to a moment of a run. Texts get in as text only,
 * never as markup. `PAGE_DATA_ID` is the element that holds timelines and disks as JSON.
 */
import { DRAW_SCRIPT } from './draw-script.ts';

export const PAGE_DATA_ID = 'report-data';

export const PAGE_SCRIPT = String.raw`
'use strict';
(() => {
const data = JSON.parse(document.getElementById('${PAGE_DATA_ID}').textContent);
const form = document.querySelector('.filter');
const runs = [...document.querySelectorAll('.run')];
${DRAW_SCRIPT}
function draw(run) {
  if (run.dataset.isDrawn) return;
  run.dataset.isDrawn = '1';
  for (const figure of run.querySelectorAll('.disk')) drawDisk(figure, data.disks[figure.dataset.disk]);
  const place = run.querySelector('.timeline-place');
  if (place) drawTimeline(place, data.timelines[run.dataset.run], run.id);
}

for (const run of runs) run.addEventListener('toggle', () => { if (run.open) draw(run); });

function show(element) {
  for (let up = element; up; up = up.parentElement) {
    if (up.tagName === 'DETAILS') up.open = true;
    if (up.tagName === 'LI') up.hidden = false;
  }
}

/** #run-3-n412: the row at or before entry 412 of the third run. */
function followAddress() {
  const match = /^#(run-\d+)(?:-n(\d+))?$/.exec(location.hash);
  const target = match ? document.getElementById(match[1]) : document.getElementById(location.hash.slice(1));
  if (!target) return;
  show(target);
  let goal = target.tagName === 'DETAILS' ? target.querySelector('summary') : target;
  if (match) {
    draw(target);
    const rows = [...target.querySelectorAll('.timeline tr[data-n]')];
    for (const row of document.querySelectorAll('.hit')) row.classList.remove('hit');
    const row = match[2] ? rows.filter((one) => Number(one.dataset.n) <= Number(match[2])).pop() : undefined;
    if (row) { row.classList.add('hit'); goal = row; }
  }
  goal.scrollIntoView({ block: goal.tagName === 'TR' ? 'center' : 'start' });
  goal.focus({ preventScroll: true });
}

function filter() {
  const wanted = new Set([...form.querySelectorAll('input:checked')].map((input) => input.value));
  const engine = form.elements.engine.value;
  const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const run of runs) {
    const text = run.dataset.words ??= run.querySelector('summary').textContent.toLowerCase()
      + [...run.querySelectorAll('.reason, .broken-rules')].map((part) => ' ' + part.textContent.toLowerCase()).join('');
    const isOn = wanted.has(run.dataset.outcome) && (!engine || run.dataset.engine === engine)
      && words.every((word) => text.includes(word));
    run.parentElement.hidden = !isOn;
    if (isOn) shown++;
  }
  form.querySelector('output').textContent = shown + ' of ' + runs.length + ' shown';
  document.querySelector('.none').hidden = shown > 0 || runs.length === 0;
}

form.addEventListener('input', filter);
form.addEventListener('reset', () => queueMicrotask(filter));
form.addEventListener('submit', (event) => event.preventDefault());
document.querySelector('.reset').addEventListener('click', () => { form.reset(); form.elements.words.focus(); });
document.addEventListener('keydown', (event) => {
  const isTyping = event.target === form.elements.words;
  if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    form.elements.words.focus();
  }
  if (event.key === 'Escape' && event.target === form.elements.words) { event.target.value = ''; filter(); }
});

for (const button of document.querySelectorAll('.copy')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    const code = button.parentElement.querySelector('code');
    getSelection().selectAllChildren(code);
    try { await navigator.clipboard.writeText(code.textContent); button.textContent = 'Copied'; } catch { button.textContent = 'Selected'; }
  });
}

const closed = [];
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('.run.failed, .run.broken, .run.inconclusive, .area, .rule.violated')) {
    if (details.open) continue;
    details.open = true;
    closed.push(details);
    if (details.dataset.run) draw(details);
  }
});
addEventListener('afterprint', () => { for (const details of closed.splice(0)) details.open = false; });

addEventListener('hashchange', followAddress);
document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link && link.getAttribute('href') === location.hash) followAddress();
});
form.hidden = false;
filter();
for (const run of runs) if (run.open) draw(run);
if (location.hash) followAddress();
})();
`;
