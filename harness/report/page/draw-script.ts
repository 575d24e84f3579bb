/** The part of the report's script that draws: the map of a disk, and a timeline as a strip and as a table. */
export const DRAW_SCRIPT = String.raw`
const SVG = 'http://www.w3.org/2000/svg';

function svg(name, attributes, title) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (title) made.appendChild(document.createElementNS(SVG, 'title')).textContent = title;
  return made;
}

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function sizeText(bytes) {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let power = 0;
  while (bytes >= 1024 && power < 4) { bytes /= 1024; power++; }
  return Number(bytes.toFixed(2)) + ' ' + units[power];
}

const LAYERS = ['allocated', 'asked', 'changed', 'read', 'written', 'wrong'];
const MOST_CELLS = 4096;

function cellParts(x, y, has, title) {
  const ground = has.changed ? 'changed' : has.allocated ? 'allocated' : 'free';
  const parts = [svg('rect', { x, y, width: 11, height: 11, rx: 1.5, class: has.asked ? ground : ground + ' unasked' }, title)];
  if (has.read) parts.push(svg('circle', { cx: x + 5.5, cy: y + 5.5, r: 2, class: 'dot' }));
  if (has.written) parts.push(svg('rect', { x: x + 1.5, y: y + 8, width: 8, height: 1.6, class: 'dot' }));
  if (has.wrong) parts.push(svg('path', { d: 'M' + (x + 1) + ' ' + (y + 1) + 'l9 9m0-9l-9 9', class: 'cross' }));
  return parts;
}

function drawDisk(figure, disk) {
  const blocks = Math.ceil(disk.sizeBytes / disk.blockBytes);
  const each = Math.max(1, Math.ceil(blocks / MOST_CELLS));
  const cells = Array.from({ length: Math.ceil(blocks / each) }, () => ({}));
  for (const layer of LAYERS)
    for (const [first, count] of disk[layer])
      for (let cell = Math.floor(first / each); cell * each < first + count && cell < cells.length; cell++) cells[cell][layer] = true;
  const columns = Math.min(innerWidth < 700 ? 32 : 64, cells.length);
  const rows = Math.ceil(cells.length / columns);
  const picture = svg('svg', { viewBox: '0 0 ' + (columns * 12 + 5) + ' ' + (rows * 12 + 5), role: 'img' });
  picture.setAttribute('aria-label', 'Map of ' + disk.disk + '; what it shows is said above in words');
  picture.style.maxWidth = columns * 18 + 'px';
  cells.forEach((has, at) => {
    const words = LAYERS.filter((layer) => has[layer] && layer !== 'asked');
    const title = 'at ' + sizeText(at * each * disk.blockBytes) + ': ' + [...words, ...(has.asked ? [] : ['not asked about'])].join(', ');
    picture.append(...cellParts((at % columns) * 12 + 3, Math.floor(at / columns) * 12 + 3, has, title));
  });
  const legend = element('p', '', 'legend');
  const asked = true;
  const keys = [['free', { asked }], ['holds data', { asked, allocated: true }], ['said to have changed', { asked, changed: true }],
    ...(cells.every((has) => has.asked) ? [] : [['not asked about', {}]]), ['read', { asked, read: true }],
    ...(disk.written.length ? [['written', { asked, written: true }]] : []), ['wrong', { asked, wrong: true }]];
  for (const [words, has] of keys) {
    const key = element('span', '');
    const sample = svg('svg', { width: 13, height: 13, viewBox: '0 0 13 13', 'aria-hidden': 'true' });
    sample.append(...cellParts(1, 1, has));
    key.append(sample, words);
    legend.append(key);
  }
  figure.append(picture, legend);
}

function unpack([n, ms, lane, text, tone, begins, ends]) {
  return { n, ms, lane, text, tone: tone || '', begins, ends: ends || [] };
}

function drawTimeline(place, { lanes, rows, omitted }, id) {
  const all = rows.map(unpack);
  const scroll = element('div', '', 'scroll');
  scroll.tabIndex = 0;
  scroll.setAttribute('aria-label', 'The run as a strip');
  scroll.append(drawStrip(lanes, all));
  place.append(element('h4', 'What happened, in the time of the platform'), scroll, drawTable(lanes, all, omitted, id));
}

const LEFT = 64, RIGHT = 990, LANE = 22;

/** Long waits are drawn shorter: the width of a gap grows with its logarithm. */
function placesOf(rows) {
  let x = 0, before = rows.length ? rows[0].ms : 0;
  const raw = rows.map(({ ms }) => { x += 1 + Math.log10(1 + Math.max(0, ms - before)) * 1.6; before = ms; return x; });
  const scale = (RIGHT - LEFT - 10) / Math.max(1, x);
  return raw.map((at) => LEFT + at * scale);
}

function drawStrip(lanes, rows) {
  const height = lanes.length * LANE + 22;
  const strip = svg('svg', { class: 'strip', viewBox: '0 0 1000 ' + height, role: 'img', 'aria-label': 'Lanes over time; the table below says the same' });
  lanes.forEach((title, at) => {
    const y = at * LANE + 15;
    const label = svg('text', { x: 4, y: y + 4 });
    label.textContent = title;
    strip.append(label, svg('line', { x1: LEFT, x2: RIGHT, y1: y, y2: y, class: 'rail' }));
  });
  const xs = placesOf(rows);
  const open = new Map();
  const span = (from, to) => strip.append(svg('rect', { x: xs[from], y: rows[from].lane * LANE + 10, width: Math.max(2, xs[to] - xs[from]), height: 10, rx: 2, class: 'span' }, rows[from].text));
  rows.forEach((row, at) => {
    for (const key of row.ends) if (open.has(key)) { span(open.get(key), at); open.delete(key); }
    if (row.begins) open.set(row.begins, at);
  });
  for (const from of open.values()) span(from, rows.length - 1);
  rows.forEach((row, at) => {
    const y = row.lane * LANE + 15, title = (row.ms / 1000).toFixed(3) + ' s: ' + row.text;
    strip.append(row.tone
      ? svg('path', { d: 'M' + xs[at] + ' ' + (y - 8) + 'l6 8l-6 8l-6 -8z', class: row.tone }, title)
      : svg('rect', { x: xs[at] - 1, y: y - 6, width: 2, height: 12, class: 'tick' }, title));
  });
  const step = Math.max(1, Math.ceil(rows.length / 9));
  let told = '';
  for (let at = 0; at < rows.length; at += step) {
    const words = (rows[at].ms / 1000).toFixed(rows[rows.length - 1].ms < 100000 ? 2 : 0) + ' s';
    if (words === told) continue;
    told = words;
    const label = svg('text', { x: xs[at], y: height - 5, 'text-anchor': 'middle' });
    label.textContent = words;
    strip.append(label);
  }
  return strip;
}

function drawTable(lanes, rows, omitted, id) {
  const table = element('table', '', 'timeline');
  const head = table.createTHead().insertRow();
  for (const title of ['seconds', ...lanes]) head.append(Object.assign(element('th', title, title === 'seconds' ? 'at' : ''), { scope: 'col' }));
  const body = table.createTBody();
  const open = new Map();
  let shown = NaN, before;
  for (const row of rows) {
    if (omitted && before !== undefined && row.n - before > 60 && !body.querySelector('.gap')) {
      const gap = body.insertRow();
      gap.className = 'gap';
      gap.insertCell().colSpan = lanes.length + 1;
      gap.cells[0].textContent = omitted + ' further rows are left out here or below; the command shows them all';
    }
    before = row.n;
    const line = body.insertRow();
    line.dataset.n = row.n;
    line.id = id + '-n' + row.n + (document.getElementById(id + '-n' + row.n) ? '-' + body.rows.length : '');
    line.tabIndex = -1;
    line.title = 'journal entry ' + row.n;
    line.append(element('td', row.ms === shown ? '' : (row.ms / 1000).toFixed(3), 'at'));
    shown = row.ms;
    const busy = new Set(open.values());
    lanes.forEach((title, at) => {
      const isIt = at === row.lane;
      const cell = element('td', isIt ? row.text : '', isIt ? row.tone : busy.has(at) ? 'busy' : 'none');
      if (isIt) cell.dataset.lane = title;
      line.append(cell);
    });
    if (row.begins) open.set(row.begins, row.lane);
    for (const key of row.ends) open.delete(key);
  }
  return table;
}
`;
