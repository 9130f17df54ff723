/** The style sheet of the page: one column of sections, cards in a grid, light and dark colors, and a layout for printing. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --sunk: #eef0f3; --line: #d3d8de; --text: #1a1f25; --quiet: #56606b; --link: #0b57a8;
  --good: #17683a; --bad: #a61b1b; --warn: #7d4e00;
  --zookeeper: #7a4fb5; --bookkeeper: #b35f06; --broker: #1f6fc4; --proxy: #0f7f84; --autorecovery: #b83a78; --manager: #3d7d2c;
  --toolset: #6b737c; --init: #857000; --other: #1a1f25;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111417; --card: #1a1e23; --sunk: #23292f; --line: #363e47; --text: #e3e7eb; --quiet: #9ba6b2; --link: #7db9ff;
    --good: #6fce8d; --bad: #ff938b; --warn: #e2b45c;
    --zookeeper: #b296e6; --bookkeeper: #e09a4b; --broker: #6faef0; --proxy: #4fbfc2; --autorecovery: #e987b6; --manager: #85c572;
    --toolset: #9aa3ad; --init: #cdb94a; --other: #e3e7eb;
  }
}
*, ::before, ::after { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text); font: .9375rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; -webkit-text-size-adjust: 100%;
}
main { max-width: 78rem; margin: 0 auto; padding: clamp(1rem, 3vw, 2.25rem) clamp(.75rem, 3vw, 2rem) 3rem; }
h1, h2, h3, h4, h5, p, ul, ol, dl, dd { margin: 0; }
h1 { font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -.01em; }
h2 { font-size: 1.1875rem; line-height: 1.3; font-weight: 650; margin-bottom: .75rem; }
h3 { font-size: .9375rem; font-weight: 650; }
h4, h5 { font-size: .875rem; font-weight: 650; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code, .name { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
main > section { margin-top: 2.25rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .quiet, .none { color: var(--quiet); }
.quiet { font-size: .875rem; } .none { font-size: .8125rem; }
.nowrap { white-space: nowrap; }
.command { display: block; width: fit-content; max-width: 100%; margin: .125rem 0; padding: .0625rem .375rem; background: var(--sunk); border-radius: 3px; font-size: .8125rem; }
.count { color: var(--quiet); font-weight: 400; margin-left: .25rem; }

.verdict { margin-top: 1rem; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line); border-left: 4px solid; border-radius: 4px; }
.verdict.good { border-left-color: var(--good); color: var(--text); } .verdict.bad { border-left-color: var(--bad); color: var(--text); }
.verdict strong { font-size: 1.0625rem; } .verdict > * { display: block; }
.problems, .lists ul, .lists ol, section > ul { padding-left: 1.5rem; }
.problems li, .lists li { white-space: pre-line; margin-top: .25rem; }
.problems li::marker, .lists li::marker { color: var(--quiet); }

table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); border-radius: 4px; font-size: .875rem; }
th, td { padding: .4rem .75rem; text-align: left; vertical-align: top; border-top: 1px solid var(--line); font-weight: 400; }
thead th { border-top: 0; color: var(--quiet); font-size: .8125rem; }
details { margin-top: 1rem; }
summary { cursor: pointer; font-weight: 600; font-size: .875rem; padding: .375rem 0; width: fit-content; }
section > details:first-of-type > .map { margin-top: .25rem; }

.replicas { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem; margin: .75rem 0 .5rem; }
.tile { padding: .625rem .75rem; background: var(--card); border: 1px solid var(--line); border-radius: 4px; }
.tile dt { font-size: .8125rem; color: var(--quiet); }
.tile dd { font-weight: 600; }
.tile dd > span { display: block; font-weight: 400; font-size: .8125rem; }
.tile .pips { display: flex; gap: 3px; margin: .3125rem 0; }
.pips i { flex: 0 1 1.25rem; height: .5rem; border: 1px solid var(--quiet); border-radius: 1px; }
.pips .on { background: var(--quiet); } .pips .off { border-style: dashed; }
.lists { display: flex; flex-wrap: wrap; gap: 1rem 2rem; margin-top: 1rem; }
.lists > div { flex: 1 1 18rem; min-width: 0; } .lists > :has(ol) { flex: 2 1 30rem; }
main > section > h3 { margin-top: .75rem; }

.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; list-style: none; font-size: .8125rem; color: var(--quiet); }
.legend li { display: flex; align-items: center; gap: .375rem; }
.legend li::before { content: ""; width: .75rem; height: .75rem; border-radius: 2px; background: var(--c); }
.group { margin-top: 1.25rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); gap: .75rem; margin-top: .5rem; align-items: start; }
.by-zone { grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); }
.zone > :is(h4, h5) { font-weight: 400; font-size: .8125rem; color: var(--quiet); margin-bottom: .25rem; }
.zone > .card + .card { margin-top: .75rem; }
.zone > .none { padding: .625rem .75rem; border: 1px dashed var(--line); border-radius: 4px; }
.card { padding: .625rem .75rem .75rem; background: var(--card); border: 1px solid var(--line); border-radius: 4px; break-inside: avoid; }
.card header { display: flex; justify-content: space-between; gap: .5rem; align-items: baseline; }
.taints { font-size: .75rem; line-height: 1.4; color: var(--quiet); }
.taints code { display: block; }
.pods, .volumes { list-style: none; padding: 0; margin-top: .5rem; font-size: .8125rem; }
.pod { display: grid; grid-template-columns: 1fr auto; column-gap: .75rem; padding: .125rem 0 .125rem .5rem; border-left: 4px solid var(--c); }
.pod + .pod { margin-top: 2px; }
.state { color: var(--quiet); text-align: right; }
.state.arrived { color: var(--good); font-weight: 600; } .state:is(.pending, .failed) { color: var(--bad); font-weight: 600; }
.state:is(.starting, .ending) { color: var(--warn); font-weight: 600; }
.why { grid-column: 1 / -1; color: var(--quiet); }
.volumes { padding-top: .5rem; border-top: 1px solid var(--line); color: var(--quiet); font-size: .75rem; }
.volumes li { display: grid; grid-template-columns: 1fr auto; column-gap: .75rem; }
.load { display: grid; grid-template-columns: auto auto 1fr; column-gap: .75rem; align-items: center; margin-top: .5rem; padding-top: .5rem; border-top: 1px solid var(--line); font-size: .75rem; color: var(--quiet); }
.load > div, .load dd { display: contents; }
.meter { height: 4px; background: var(--sunk); border-radius: 2px; }
.meter i { display: block; height: 100%; background: var(--quiet); border-radius: 2px; }
.node.lost, .node.drained { border: 2px dashed var(--bad); background: transparent; }
.node.drained { border-color: var(--warn); }
.failure { color: var(--bad); font-size: .8125rem; text-transform: uppercase; letter-spacing: .04em; } .drained .failure { color: var(--warn); }
.lost .volumes .name { text-decoration: line-through; }
.waiting { margin-top: 1rem; border-color: var(--bad); }
.waiting .pods { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: .5rem 1.5rem; }
.waiting .pod { margin: 0; align-content: start; }
.c-zookeeper { --c: var(--zookeeper); } .c-bookkeeper { --c: var(--bookkeeper); } .c-broker { --c: var(--broker); } .c-proxy { --c: var(--proxy); }
.c-autorecovery { --c: var(--autorecovery); } .c-toolset { --c: var(--toolset); } .c-manager { --c: var(--manager); } .c-init { --c: var(--init); }
.c-other { --c: var(--other); }

@media (max-width: 44rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  table, tbody, tbody th, td { display: block; }
  tbody tr { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .375rem .75rem; } tr + tr { border-top: 1px solid var(--line); }
  th, td { border: 0; padding: 0; }
  tbody th { flex-basis: 100%; font-weight: 600; }
  td::before { content: attr(data-head) " "; color: var(--quiet); }
  td:empty { display: none; }
}
@media print {
  :root { --page: #fff; color-scheme: light; font-size: 12px; }
  main { max-width: none; padding: 0; }
  details::details-content { content-visibility: visible; block-size: auto; }
  .cards { grid-template-columns: repeat(3, 1fr); }
  .card, .tile, tr, .pod { break-inside: avoid; }
  h2, h3, h4, h5 { break-after: avoid; }
  * { print-color-adjust: exact; }
}
`;
