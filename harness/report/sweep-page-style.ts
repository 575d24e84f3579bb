/** Style of the page of a sweep. Colours are never alone: every cell has a letter too. */
export const SWEEP_STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif;
  --survived: light-dark(#b8dfc6, #1d4a30); --violation: light-dark(#c62a2f, #ff6369); --missed: light-dark(#dfe1e6, #3a3d44);
  --undetectable: light-dark(#f5d97a, #6b5300); --broken: light-dark(#7c3aa8, #c58ae8); }
body { margin: 0 auto; max-width: 96rem; padding: 1rem; }
h1, h2, h3 { line-height: 1.2; }
h3 { margin: 1.5rem 0 .3rem; font-size: 1rem; }
a:focus-visible, button:focus-visible, select:focus-visible, input:focus-visible, .scroll:focus-visible {
  outline: 3px solid light-dark(#0b5cd5, #8ab8ff); outline-offset: 1px; }
form { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; align-items: center; padding: .6rem 0;
  position: sticky; top: 0; background: Canvas; z-index: 3; border-bottom: 1px solid #8886; }
fieldset { display: flex; flex-wrap: wrap; gap: .2rem .9rem; border: 0; padding: 0; margin: 0; }
legend { float: left; padding: 0 .6rem 0 0; font-weight: 600; }
.grids { display: flex; flex-wrap: wrap; gap: 0 3rem; align-items: flex-start; }
.grid { max-width: 100%; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; }
thead th { vertical-align: bottom; text-align: left; font-weight: 400; }
thead th span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; font-size: .8rem; }
tbody th { text-align: left; font: .8rem/1.3 ui-monospace, monospace; white-space: nowrap; padding: 0 .6rem 0 0;
  position: sticky; left: 0; background: Canvas; z-index: 1; }
td { padding: 1px 2px; white-space: nowrap; text-align: center; }
td.time { font: .75rem ui-monospace, monospace; text-align: right; padding-right: .6rem; opacity: .75; }
td button, .key b { display: inline-block; width: 1.4rem; height: 1.4rem; margin: 0 1px 0 0; padding: 0; border: 0; border-radius: 3px;
  font: 600 .75rem/1.4rem ui-monospace, monospace; color: CanvasText; text-align: center; cursor: pointer; }
.survived { background: var(--survived); } .missed { background: var(--missed); } .undetectable { background: var(--undetectable); }
td .violation, .key .violation { background: var(--violation); color: light-dark(#fff, #000); }
td .broken, .key .broken { background: var(--broken); color: light-dark(#fff, #000); }
td button.off { opacity: .12; }
[hidden] { display: none !important; }
dialog { width: min(72rem, 94vw); max-height: 92vh; border: 1px solid #8886; border-radius: .5rem; padding: 1rem; }
dialog::backdrop { background: #0008; }
dialog .close { float: right; }
dialog h2 { overflow-wrap: anywhere; font-size: 1.1rem; margin: 0 0 .5rem; }
pre { background: #8882; padding: .6rem; border-radius: .3rem; margin: .3rem 0; overflow-x: auto; font-size: .8rem; }
pre.wrap { white-space: pre-wrap; overflow-wrap: anywhere; }
.troubles li { overflow-wrap: anywhere; margin-bottom: .5rem; }
dialog button, form button { font: inherit; padding: .3rem .8rem; }
@media (max-width: 40rem) {
  body { padding: .5rem; }
  form { position: static; }
  td button { width: 1.8rem; height: 1.8rem; line-height: 1.8rem; }
  tbody th { max-width: 42vw; overflow: hidden; text-overflow: ellipsis; }
  dialog { width: 100vw; max-width: 100vw; height: 100vh; max-height: 100vh; margin: 0; border: 0; border-radius: 0; box-sizing: border-box; }
}
@media print { form, dialog { display: none; } .scroll { overflow: visible; } }
`;
