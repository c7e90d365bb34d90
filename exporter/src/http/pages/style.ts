/**
 * The one style of all pages. Text and status colours keep at least 4.5:1 on the paper and on raised ground, in both schemes; a status is
 * always a word, too, never a colour alone.
 */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2530; --soft: #56616f; --line: #d9dfe6; --paper: #ffffff; --raised: #f5f7f9; --link: #1558b0; --was: #b9c3ce;
  --alert: #b3261e; --warning: #8f4e00; --incomplete: #56616f; --healthy: #1a7043; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ef; --soft: #9aa7b5; --line: #313b47; --paper: #12171d; --raised: #1a2129; --link: #82b4ff; --was: #4a5765;
  --alert: #ff8a80; --warning: #f0ad4e; --incomplete: #9aa7b5; --healthy: #5fd394; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: .25rem 1.5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; scroll-margin-top: 1rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .25rem 0 1rem; max-width: 44rem; }
.soft { color: var(--soft); }
header p { margin: 0; } 
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, pre:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }
code, pre { font: .875em/1.5 ui-monospace, monospace; }
pre { background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; overflow-x: auto; overflow-wrap: normal; margin: .5rem 0 1rem; }
ul, ol { list-style: none; padding: 0; margin: 0; }
.alert { --status: var(--alert); } .warning { --status: var(--warning); } .incomplete { --status: var(--incomplete); } .healthy { --status: var(--healthy); }
.banner { border: 1px solid var(--alert); border-left-width: 6px; border-radius: 6px; padding: .6rem 1rem; margin: 1.25rem 0 0; max-width: none; }
.tally { display: grid; grid-template-columns: repeat(4, 1fr); gap: .75rem; margin: 1.25rem 0 1.5rem; }
.tally li { border: 1px solid var(--line); border-top: 4px solid var(--status); border-radius: 6px; padding: .5rem .9rem .6rem; color: var(--soft); font-size: .875rem; }
.tally strong { display: block; font-size: 1.75rem; line-height: 1.2; color: var(--status); font-variant-numeric: tabular-nums; }
.tally .zero { border-top-color: var(--line); } .tally .zero strong { color: var(--soft); font-weight: 400; }
.model { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr) 10.5rem; gap: 0 1rem; padding: .6rem 0 .6rem .9rem; border-left: 4px solid var(--status); border-bottom: 1px solid var(--line); }
.model:first-child { border-top: 1px solid var(--line); }
.status { color: var(--status); font-weight: 600; }
.status small { display: block; font-weight: 400; font-size: .8125rem; }
.model h3 { display: flex; flex-wrap: wrap; align-items: baseline; column-gap: .5rem; }
.model h3 a { font-weight: 600; }
.model h3 .soft { font-weight: 400; font-size: .875rem; }
.score { text-align: right; font-variant-numeric: tabular-nums; }
.score strong { font-size: 1.15rem; line-height: 1.3; }
.incomplete .score strong { font-weight: 400; color: var(--soft); }
.score small { display: block; color: var(--soft); font-size: .8125rem; }
.findings { font-size: .9375rem; margin: .15rem 0 0; }
.findings b { font-weight: 600; color: var(--status); }
ul.links { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)); gap: .4rem 1.5rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .75rem 0 0; }
.call { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); gap: .1rem 1.5rem; border-top: 1px solid var(--line); padding: .6rem 0; }
.call h3 { display: grid; grid-template-columns: 4rem minmax(0, 1fr); font-weight: 400; }
.call p { margin: 0 0 .2rem; }
.call .soft, .answers dd { font-size: .9375rem; }
.method { font: 700 .8rem/1.85 ui-monospace, monospace; color: var(--soft); }
.answers { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; margin: .5rem 0 1rem; }
.answers dt { font: 700 .875rem/1.7 ui-monospace, monospace; } .answers dd { margin: 0; }
.filters { display: flex; flex-wrap: wrap; align-items: end; gap: .5rem 1rem; margin: 1rem 0; }
.filters label { font-size: .875rem; color: var(--soft); display: grid; gap: .15rem; }
input, select, button { font: inherit; font-size: .9375rem; color: var(--ink); background: var(--paper); border: 1px solid var(--soft); border-radius: 5px; padding: .3rem .6rem; height: 2.25rem; max-width: 100%; }
button { background: var(--raised); cursor: pointer; }
button:hover { border-color: var(--link); } button[aria-pressed=true] { border-color: var(--link); box-shadow: inset 0 0 0 1px var(--link); font-weight: 600; }
input:focus-visible, select:focus-visible, button:focus-visible, summary:focus-visible { outline: 3px solid var(--link); outline-offset: 1px; }
.firing-now { color: var(--alert); }
.alert-item { display: grid; grid-template-columns: 5.5rem minmax(0, 1fr); gap: 0 1rem; padding: .75rem 0 .75rem .9rem; border-left: 4px solid var(--line); border-bottom: 1px solid var(--line); scroll-margin-top: 1rem; }
.alert-item:first-child { border-top: 1px solid var(--line); }
.alert-item.firing { border-left-color: var(--status); }
.alert-item .status { text-transform: capitalize; } .alert-item .status small { text-transform: none; }
.alert-item:not(.firing) .status small { color: var(--soft); }
.alert-item p { margin: .15rem 0; max-width: none; } .alert-item .soft { font-size: .875rem; }
.actions { display: flex; flex-wrap: wrap; align-items: start; gap: .25rem 1rem; margin-top: .35rem; font-size: .9375rem; }
summary { cursor: pointer; color: var(--link); width: max-content; max-width: 100%; padding: .2rem 0; }
.alert-item details form { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; padding: .4rem 0; }
.windows li { display: grid; grid-template-columns: minmax(0, 1fr) auto; align-items: center; gap: .25rem 1rem; padding: .5rem 0; border-bottom: 1px solid var(--line); }
.windows { margin-bottom: .5rem; }
.buttons { display: flex; flex-wrap: wrap; gap: .4rem; }
.timeline { margin: .5rem 0 1rem; color: var(--soft); font-size: .8125rem; }
.lane { display: grid; grid-template-columns: 7rem 1fr; align-items: center; }
.lane div { position: relative; height: 1.625rem; border-bottom: 1px solid var(--line); margin-right: 4px; }
.lane i { position: absolute; top: .375rem; bottom: .375rem; min-width: 4px; border-radius: 2px; background: var(--status, var(--link)); }
.lane.days div { border: 0; } .lane small { position: absolute; transform: translateX(-50%); top: .2rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
.lane small:first-child { transform: none; } .lane small:last-child { transform: translateX(-100%); }
@media (max-width: 40rem) { .lane { grid-template-columns: 1fr; } .lane span { padding-top: .25rem; } .lane div { height: 1.125rem; } .lane i { top: .125rem; } .lane small:nth-child(even) { display: none; } }
.story ol { padding-left: 0; list-style: none; font-size: .875rem; } .story li { margin: .35rem 0; overflow-wrap: anywhere; } .story time { color: var(--soft); font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; margin: .5rem 0 1rem; }
.scroll:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
th, td { text-align: left; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); vertical-align: middle; white-space: nowrap; }
thead th { overflow-wrap: normal; color: var(--soft); font-weight: 600; font-size: .8125rem; vertical-align: bottom; white-space: normal; }
tbody th { font-weight: 600; white-space: normal; overflow-wrap: anywhere; min-width: 10.5rem; }
.chart svg { width: 100%; min-width: 36rem; }
td small, dd small { color: var(--soft); font-size: .8125rem; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
.check { color: var(--status); } .check.alert, .check.warning { font-weight: 600; } 
.spark, .dist { display: block; max-width: 100%; height: auto; }
.spark .line { fill: none; stroke: var(--link); stroke-width: 1.5; stroke-linejoin: round; } .spark .dot { fill: var(--link); }
.spark .band { stroke: var(--line); stroke-dasharray: 3 4; } .spark .tick { fill: var(--soft); font-size: 11px; }
.dist .was, .key.was { fill: var(--was); background: var(--was); } .dist .is, .key.is { fill: var(--link); background: var(--link); }
.ends { display: flex; justify-content: space-between; width: 240px; max-width: 100%; color: var(--soft); font-size: .75rem; overflow: hidden; text-overflow: ellipsis; }
.legend { color: var(--soft); font-size: .875rem; margin: 0; } .key { display: inline-block; width: .8rem; height: .8rem; margin: 0 .2rem 0 .6rem; vertical-align: -.1rem; } .key.was { margin-left: 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .75rem 1.5rem; margin: 1.25rem 0 .5rem; border-left: 4px solid var(--status); padding-left: 1rem; }
.facts dt { color: var(--soft); font-size: .8125rem; } .facts dd { margin: 0; font-weight: 600; } .facts dd small { font-weight: 400; }
.checks { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(19rem, 100%), 1fr)); gap: 1rem; align-items: start; }
.card { border: 1px solid var(--line); border-top: 4px solid var(--status); border-radius: 6px; padding: .75rem 1rem; min-width: 0; }
.card h3 { display: flex; justify-content: space-between; gap: .5rem; } .card p { margin: .15rem 0 .4rem; font-size: .875rem; }
.card table { font-size: .875rem; } .card th, .card td { padding: .25rem .5rem .25rem 0; } .card tbody th { font-weight: 400; min-width: 0; } .card tr:last-child > * { border-bottom: 0; } .card td:last-child, .card th:last-child { padding-right: 0; }
.way { display: flex; flex-wrap: wrap; gap: .3rem .5rem; margin: 1rem 0; font-size: .875rem; color: var(--soft); }
.way li { border: 1px solid var(--line); border-radius: 1rem; padding: .1rem .7rem; }
.way .done { color: var(--ink); background: var(--raised); border-color: var(--soft); }
.way [aria-current] { color: var(--status, var(--link)); border-color: var(--status, var(--link)); font-weight: 600; box-shadow: inset 0 0 0 1px var(--status, var(--link)); }
table.wrap td { white-space: normal; overflow-wrap: break-word; vertical-align: top; min-width: 5rem; } table.wrap td:nth-child(n+4):last-child { overflow-wrap: anywhere; min-width: 14rem; } table.wrap tbody th { font-weight: 400; vertical-align: top; white-space: normal; } table.wrap time { white-space: nowrap; }
main:has(table) { max-width: 80rem; }
td.wrap { white-space: normal; min-width: 14rem; } tbody th[rowspan] { vertical-align: top; padding-top: .6rem; } .weeks ul { margin: 0; }
@media print {
  :root { color-scheme: light; --ink: #000; --soft: #444; --line: #bbb; --paper: #fff; --raised: #fff; --link: #1558b0; --was: #b9c3ce; --alert: #b3261e; --warning: #8f4e00; --incomplete: #444; --healthy: #1a7043; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } nav, header p, .banner { display: none; }
  .card, tr, .facts, svg { break-inside: avoid; } h2, h3 { break-after: avoid; } .scroll { overflow: visible; } td, tbody th { white-space: normal; }
  table, .card table { font-size: 9pt; } td, thead th { overflow-wrap: normal; } td.number, .check { white-space: nowrap; } .dist, .ends { width: 36mm; }
}
@media (max-width: 40rem) {
  .alert-item { grid-template-columns: minmax(0, 1fr); padding-left: .75rem; }
  .alert-item .status { display: flex; gap: .5rem; align-items: baseline; }
  main { padding: 1.25rem 1rem 3rem; }
  .tally { grid-template-columns: repeat(2, 1fr); gap: .5rem; margin: 1rem 0; }
  .tally li { display: flex; align-items: baseline; gap: .5rem; padding: .25rem .75rem; }
  .tally strong { font-size: 1.35rem; }
  .model { grid-template-columns: minmax(0, 1fr) auto; align-items: baseline; padding-left: .75rem; }
  .model .what { grid-column: 1 / -1; }
  .status small { display: inline; } .score small { display: inline; margin-left: .25rem; }
  .model .score { grid-row: 1; grid-column: 2; }
  .call { grid-template-columns: minmax(0, 1fr); }
  .call h3 { grid-template-columns: 3.5rem minmax(0, 1fr); }
  .call code { font-size: .8125rem; }
}
.login { display: grid; gap: .5rem; max-width: 26rem; margin: 1.5rem 0 1rem; }
.login input { font: inherit; padding: .5rem .75rem; color: inherit; background: var(--raised); border: 1px solid var(--soft); border-radius: 6px; }
.login button { font: inherit; font-weight: 600; justify-self: start; padding: .5rem 1.25rem; color: var(--paper); background: var(--link); border: 0; border-radius: 6px; cursor: pointer; }
.login .banner { margin: 0; }
.logout { display: inline; }
.logout button { font: inherit; padding: 0; color: var(--link); background: none; border: 0; text-decoration: underline; cursor: pointer; }
`;
