import { escapeHtml, page } from './page.ts';

/** Of RFC 9457, as far as a person is told. */
interface Refusal {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

/** What a person sees instead of the page that they asked for: the same words as in the JSON, and a way on. */
export function problemPage({ status, title, detail, errors = [] }: Refusal): string {
  const list = errors.map((one) => `<li><code>${escapeHtml(one.pointer)}</code> ${escapeHtml(one.detail)}</li>`);
  const ways = [
    '<a href="/">Overview of all models</a>',
    ...(status === 403 ? ['<a href="/login">Log in with another token</a>'] : []),
  ];
  return page(
    `${title} · Model health`,
    `<header><h1>${escapeHtml(title)}</h1>
<p class="soft">${status}</p></header>
<p>${escapeHtml(detail)}</p>
${list.length === 0 ? '' : `<ul>${list.join('')}</ul>`}
<p>${ways.join(' · ')}</p>`,
  );
}
