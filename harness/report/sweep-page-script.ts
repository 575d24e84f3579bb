/**
 * Script of the page of a sweep: opens a cell's run, filters, moves with the arrow keys. Texts get in as text only,
 * never as markup. `SWEEP_DATA_ID` is the element that holds the cells as JSON.
 */
export const SWEEP_DATA_ID = 'sweep-cells';

export const SWEEP_SCRIPT = String.raw`
'use strict';
const cells = JSON.parse(document.getElementById('${SWEEP_DATA_ID}').textContent);
const dialog = document.querySelector('dialog');
const form = document.querySelector('form');
const buttons = [...document.querySelectorAll('td button')];
const cellOf = (button) => cells[Number(button.dataset.cell)];

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function section(title, text, className) {
  return text ? [element('h3', title), element('pre', text, className)] : [];
}

function open(index) {
  const cell = cells[index];
  if (!cell) return;
  const link = cell.file ? [Object.assign(element('a', 'the scenario file'), { href: cell.file })] : [];
  dialog.querySelector('.run').replaceChildren(
    element('h2', cell.id),
    element('p', cell.outcome + (cell.reason ? ': ' + cell.reason : '')),
    ...(cell.detectedBy ? [element('p', 'Detected with ' + cell.detectedBy)] : []),
    ...section('Repeat it', cell.command, 'wrap'), ...link,
    ...section('Findings', cell.findings, 'wrap'),
    ...section('The attack', cell.attack, 'wrap'),
    ...section('The run', cell.timeline),
    element('p', (cell.virtualMs / 1000).toFixed(3) + ' s of virtual time, journal ' + (cell.journal || 'none')),
  );
  history.replaceState(null, '', '#cell-' + index);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function openFromAddress() {
  const match = /^#cell-(\d+)$/.exec(location.hash);
  if (match) open(Number(match[1]));
}

dialog.addEventListener('close', () => history.replaceState(null, '', location.pathname + location.search));
window.addEventListener('hashchange', openFromAddress);
document.addEventListener('click', (event) => {
  const target = event.target.closest('[data-cell]');
  if (target) open(Number(target.dataset.cell));
});

for (const button of buttons) {
  const cell = cellOf(button);
  button.setAttribute('aria-label', cell.outcome + ', ' + cell.persistence);
  button.title = cell.id + ': ' + cell.outcome;
}

function isUsable(button) {
  return !button.classList.contains('off') && button.offsetParent !== null;
}

/** One stop of the tab key for each table. */
function setStops() {
  for (const table of document.querySelectorAll('table')) {
    const all = [...table.querySelectorAll('td button')];
    for (const button of all) button.tabIndex = -1;
    const first = all.find(isUsable);
    if (first) first.tabIndex = 0;
  }
}

function place(button) {
  const cell = button.closest('td');
  return { row: cell.parentElement.rowIndex, column: cell.cellIndex, nth: [...cell.children].indexOf(button) };
}

function next(from, key, all) {
  const at = all.indexOf(from);
  const here = place(from);
  const inColumn = (button) => {
    const there = place(button);
    return there.column === here.column && there.nth === here.nth;
  };
  if (key === 'ArrowRight') return all[at + 1];
  if (key === 'ArrowLeft') return all[at - 1];
  if (key === 'ArrowDown') return all.slice(at + 1).find(inColumn);
  if (key === 'ArrowUp') return all.slice(0, Math.max(at, 0)).reverse().find(inColumn);
  const row = all.filter((button) => place(button).row === here.row);
  return key === 'Home' ? row[0] : row[row.length - 1];
}

document.addEventListener('keydown', (event) => {
  const from = event.target.closest('td button');
  if (!from || !/^(Arrow(Up|Down|Left|Right)|Home|End)$/.test(event.key)) return;
  event.preventDefault();
  const all = [...from.closest('table').querySelectorAll('td button')].filter(isUsable);
  const to = next(from, event.key, all);
  if (!to) return;
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
});

function filter() {
  const wanted = new Set([...form.querySelectorAll('input:checked')].map((input) => input.value));
  const kind = form.elements.kind.value;
  const fault = form.elements.fault.value;
  let shown = 0;
  for (const button of buttons) {
    const cell = cellOf(button);
    const isOff = !wanted.has(cell.outcome) || (kind && cell.kind !== kind) || (fault && cell.fault !== fault);
    button.classList.toggle('off', Boolean(isOff));
    if (!isOff) shown++;
  }
  const hasOn = (part) => part.querySelector('td button:not(.off)') !== null;
  for (const row of document.querySelectorAll('tbody tr')) row.hidden = !hasOn(row);
  for (const grid of document.querySelectorAll('.grid')) grid.hidden = !hasOn(grid);
  form.querySelector('output').textContent = shown + ' of ' + buttons.length + ' runs';
  setStops();
}

form.addEventListener('change', filter);
form.addEventListener('reset', () => setTimeout(filter));
form.addEventListener('submit', (event) => event.preventDefault());
form.hidden = false;
filter();
openFromAddress();
`;
