/** Style of the report. Colours are never alone: every outcome stands there as a word too. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif;
  --good: light-dark(#136c42, #5fd39a); --bad: light-dark(#b4232a, #ff8f8f); --doubt: light-dark(#8a4b00, #f0b55b);
  --ours: light-dark(#5b3fc4, #b9a5ff); --quiet: light-dark(#5d6068, #a5a8b0); --line: light-dark(#d9dbe0, #3b3e45);
  --soft: light-dark(#f4f5f7, #1f2126); --link: light-dark(#0b57c4, #8fbcff); --paper: light-dark(#fff, #15161a);
  --allocated: light-dark(#c9ccd3, #4a4e57); --changed: light-dark(#8db8f0, #2f5d9b); --wrong: light-dark(#d11f2a, #ff5c66); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 80rem; padding: 1rem 1.2rem 4rem; background: var(--paper); }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
h1 { font-size: 1.5rem; line-height: 1.3; margin: .2rem 0 1rem; text-wrap: balance; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
h4 { margin: .2rem 0; font-size: 1rem; overflow-wrap: anywhere; }
p { margin: .4rem 0; overflow-wrap: anywhere; }
li { overflow-wrap: anywhere; }
code, pre, kbd { font: .85em/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { background: var(--soft); padding: .6rem; border-radius: .4rem; margin: .4rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
kbd { border: 1px solid var(--line); border-radius: 3px; padding: 0 .35rem; color: var(--quiet); }
[hidden] { display: none !important; }
.verdict { border: 1px solid var(--line); border-left: .6rem solid var(--tone); border-radius: .5rem; padding: 1rem 1.2rem; background: var(--soft); }
.verdict.pass { --tone: var(--good); } .verdict.fail { --tone: var(--bad); } .verdict.inconclusive { --tone: var(--doubt); } .verdict.broken { --tone: var(--ours); }
.brand { color: var(--quiet); margin: 0; }
.stamp { background: var(--tone); color: var(--paper); border-radius: .3rem; padding: .05em .5em; margin-right: .3em; text-transform: uppercase; letter-spacing: .04em; }
.numbers { list-style: none; padding: 0; margin: 0 0 .8rem; display: flex; flex-wrap: wrap; gap: .6rem 2.2rem; color: var(--quiet); }
.numbers b { display: block; font-size: 1.7rem; line-height: 1.2; font-variant-numeric: tabular-nums; color: light-dark(#17181c, #f0f1f4); }
.numbers .bad b { color: var(--bad); }
nav a { margin-right: 1rem; display: inline-block; padding: .2rem 0; }
.problems ol { padding-left: 1.4rem; } .problems li { margin-bottom: .5rem; } .problems a { font-weight: 600; }
.chip { display: inline-block; border: 1px solid currentColor; border-radius: .8rem; padding: 0 .55rem; font-size: .8rem; font-weight: 600; white-space: nowrap; color: var(--quiet); }
.chip.passed { color: var(--good); } .chip.failed, .chip.violated { color: var(--paper); background: var(--bad); border-color: var(--bad); }
.chip.inconclusive, .chip.waived { color: var(--doubt); } .chip.broken { color: var(--paper); background: var(--ours); border-color: var(--ours); }
summary { cursor: pointer; padding: .4rem .3rem; border-radius: .3rem; }
summary:hover { background: var(--soft); }
.area { border: 1px solid var(--line); border-radius: .4rem; margin: .4rem 0; padding: 0 .5rem; }
.area > summary b { display: inline-block; min-width: 5.2rem; }
.rule { border-top: 1px solid var(--line); padding-left: .4rem; }
.rule > summary .chip { min-width: 7.8rem; text-align: center; }
.rule > dl, .rule > .finding { margin-left: .8rem; }
.counts { color: var(--quiet); font-size: .85rem; } .area > summary .counts { float: right; }
dl { margin: .4rem 0; display: grid; gap: .3rem; }
dl > div { display: grid; grid-template-columns: 8rem 1fr; gap: .8rem; } dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
.finding { border-left: 3px solid var(--bad); padding: .1rem 0 .1rem .8rem; margin: .7rem 0; }
.filter { display: flex; flex-wrap: wrap; gap: .5rem 1.2rem; align-items: center; padding: .6rem 0; position: sticky; top: 0; background: var(--paper); z-index: 2; border-bottom: 1px solid var(--line); }
.filter input[type=search], .filter select { font: inherit; padding: .3rem .5rem; border: 1px solid var(--quiet); border-radius: .3rem; background: var(--paper); color: inherit; max-width: 100%; }
fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: .2rem .9rem; min-width: 0; } legend { float: left; padding: 0 .6rem 0 0; }
output { color: var(--quiet); }
.runs, .plain { list-style: none; padding: 0; margin: 0; }
.runs > li { border-bottom: 1px solid var(--line); scroll-margin-top: 8rem; }
.run > summary { display: grid; grid-template-columns: 7.2rem minmax(0, 1fr) auto 11rem; gap: .2rem .8rem; align-items: baseline; list-style-position: inside; }
.run > summary::-webkit-details-marker { display: none; }
.run > summary .chip { justify-self: start; } .engine { color: var(--quiet); } .number { text-align: right; color: var(--quiet); font-size: .85rem; font-variant-numeric: tabular-nums; }
.name { overflow-wrap: anywhere; }
.run[open] { background: var(--soft); border-radius: .4rem; padding: 0 .6rem .8rem; } .run[open] pre { background: var(--paper); }
.run, .rule { scroll-margin-top: 6rem; }
.reason { font-weight: 600; } .facts { color: var(--quiet); font-size: .85rem; }
button { font: inherit; padding: .15rem .7rem; border: 1px solid var(--quiet); border-radius: .3rem; background: var(--paper); color: inherit; cursor: pointer; }
figure { margin: .8rem 0; } figcaption ul { margin: .2rem 0; padding-left: 1.2rem; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; color: var(--quiet); margin: .3rem 0; } .legend svg { vertical-align: -2px; margin-right: .3rem; }
.disk > svg { display: block; width: 100%; height: auto; background: var(--paper); border: 1px solid var(--line); border-radius: .3rem; }
.free { fill: light-dark(#f0f1f3, #24262c); } .allocated { fill: var(--allocated); } .changed { fill: var(--changed); } .unasked { stroke: var(--quiet); stroke-dasharray: 1.5 1.5; stroke-width: .8; } .dot { fill: light-dark(#17181c, #f0f1f4); }
.cross { stroke: var(--wrong); stroke-width: 2.2; fill: none; }
.scroll { overflow-x: auto; max-width: 100%; }
.strip { min-width: 44rem; width: 100%; height: auto; display: block; background: var(--paper); border: 1px solid var(--line); border-radius: .3rem; font: 11px ui-monospace, monospace; }
.strip text { fill: var(--quiet); } .strip .rail { stroke: var(--line); } .strip .span { fill: var(--changed); } .strip .tick { fill: light-dark(#444, #bbb); }
.strip .bad { fill: var(--wrong); } .strip .fault { fill: var(--doubt); }
.timeline { border-collapse: collapse; width: 100%; font-size: .8rem; table-layout: fixed; margin-top: .5rem; }
.timeline th { text-align: left; padding: .2rem .4rem; position: sticky; top: 3.4rem; background: var(--soft); border-bottom: 1px solid var(--line); }
.timeline td { padding: .05rem .4rem; vertical-align: top; overflow-wrap: anywhere; } .timeline .at { width: 5.5rem; text-align: right; color: var(--quiet); font-family: ui-monospace, monospace; }
.timeline td.busy { box-shadow: inset 3px 0 var(--changed); } .timeline td.bad { color: var(--bad); font-weight: 600; } .timeline td.fault { color: var(--doubt); font-weight: 600; }
.timeline tr.hit td { background: light-dark(#fff3bf, #4d4100); } .timeline tr { scroll-margin: 40vh 0; } .timeline .gap td { text-align: center; color: var(--quiet); padding: .4rem; }
@media (max-width: 46rem) {
  body { padding: .6rem .7rem 3rem; } h1 { font-size: 1.2rem; } .verdict { padding: .8rem; }
  .numbers { gap: .5rem 1.4rem; } .numbers b { font-size: 1.3rem; }
  .filter { position: static; } .filter .search, .filter input[type=search] { width: 100%; } .filter kbd { display: none; }
  .filter label, nav a, summary { padding-block: .45rem; }
  .run > summary { grid-template-columns: auto 1fr; } .run > summary .name { grid-column: 1 / -1; grid-row: 2; } .number { grid-column: 1 / -1; text-align: left; }
  dl > div { grid-template-columns: 1fr; gap: 0; } .area > summary .counts { float: none; display: block; }
  .timeline, .timeline tbody { display: block; } .timeline thead { display: none; } .timeline tr { display: flex; gap: .5rem; border-top: 1px solid var(--line); }
  .timeline td.none { display: none; } .timeline td.busy:empty { display: none; } .timeline td { flex: 1; min-width: 0; } .timeline .at { flex: none; width: 4.4rem; text-align: left; }
  .timeline td[data-lane]::before { content: attr(data-lane) " "; color: var(--quiet); font-weight: 400; }
}
@media print {
  :root { color-scheme: light; font-size: 11px; } body { max-width: none; padding: 0; }
  .filter, nav, button, kbd { display: none !important; } .run, .area, .rule, .finding, figure { break-inside: avoid-page; }
  .run.passed, .run.skipped { break-inside: avoid; } pre { white-space: pre-wrap; } .scroll { overflow: visible; } .strip { min-width: 0; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
`;
