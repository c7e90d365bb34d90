/** Text of a page's attribute or element. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Headers of every page: nothing from elsewhere, no scripts, not in anyone's frame. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** A whole page around `body`, in the colours that the reader's system asks for. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2530; --soft: #5a6675; --line: #d9dfe6; --paper: #ffffff; --raised: #f5f7f9; --link: #1558b0;
  --excellent: #1a7f4b; --good: #4d7c0f; --fair: #a85d00; --poor: #b3261e; --unknown: #5a6675; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ef; --soft: #9aa7b5; --line: #313b47; --paper: #12171d; --raised: #1a2129; --link: #82b4ff;
  --excellent: #5fd394; --good: #a5d063; --fair: #f0ad4e; --poor: #ff8a80; --unknown: #9aa7b5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; letter-spacing: -.01em; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .25rem 0 1rem; max-width: 44rem; }
.soft { color: var(--soft); }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px; }
code, pre { font: .875em/1.5 ui-monospace, monospace; }
pre { background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; overflow-x: auto; margin: .5rem 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .45rem .9rem .45rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 500; font-size: .875rem; white-space: nowrap; }
td.number, th.number { text-align: right; }
.level { display: inline-block; border: 1.5px solid currentColor; border-radius: 99px; padding: 0 .6rem; font-size: .875rem; white-space: nowrap; }
.excellent { color: var(--excellent); } .good { color: var(--good); } .fair { color: var(--fair); } .poor { color: var(--poor); } .unknown { color: var(--unknown); }
ul.links { list-style: none; padding: 0; margin: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .4rem 1.5rem; }
.call { border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; margin: 0 0 .6rem; }
.call p { margin: .25rem 0 0; }
.method { display: inline-block; min-width: 4.2rem; font: 600 .8rem ui-monospace, monospace; color: var(--soft); }
`;
