import type { FastifyInstance } from 'fastify';
import { authorise } from '../auth.ts';
import type { Access } from '../auth.ts';
import { escapeHtml, page, PAGE_HEADERS } from './page.ts';

interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
}

const METHODS = ['get', 'put', 'post', 'delete'] as const;
const SECTIONS: readonly (readonly [string, string])[] = [
  ['intake', 'Sending predictions and ground truth'],
  ['health', 'Health'],
  ['models', 'Models'],
  ['baselines', 'Baselines'],
  ['metrics', 'Metrics'],
  ['process', 'The process'],
];

const EXAMPLE = `{"model": "move_probability", "version": "12", "prediction_id": "9f1c",
 "timestamp": "2026-11-23T10:00:00Z",
 "features": {"tenure_months": 34, "region": "north", "income": null},
 "prediction": "1", "scores": {"0": 0.18, "1": 0.82}, "latency_ms": 12.5,
 "error": null, "segment": {"channel": "web"}}`;

/** `/docs/ml`: the calls for people; `/docs/ml/json`: OpenAPI for machines. Both come from the routes' own descriptions. */
export function docsPage(server: FastifyInstance, access: Access): void {
  const described = () =>
    server.swagger() as unknown as { readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>> };
  server.get('/docs/ml/json', {
    schema: { hide: true },
    handler: (request, reply) => {
      authorise(request, 'read', access);
      return reply.send(described());
    },
  });
  server.get('/docs/ml', {
    schema: { hide: true },
    handler: (request, reply) => {
      authorise(request, 'read', access);
      const sections = SECTIONS.map(([tag, title]) => section(title, callsOf(described().paths ?? {}, tag)));
      return reply.headers(PAGE_HEADERS).send(
        page(
          'Model health API',
          `<h1>Model health API</h1>
<p class="soft">For machines: <a href="/docs/ml/json">OpenAPI</a>. Errors are problem details (RFC 9457) with a JSON pointer for each field at fault. <a href="/">Back to the start</a>.</p>
<h2>A prediction</h2>
<p>Only <code>model</code> is required. A retry with the same <code>prediction_id</code> and <code>timestamp</code> is counted once.</p>
<pre>${escapeHtml(EXAMPLE)}</pre>
${sections.join('\n')}`,
        ),
      );
    },
  });
}

function callsOf(paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>, tag: string): string[] {
  return Object.entries(paths).flatMap(([route, operations]) =>
    METHODS.flatMap((method) => {
      const operation = operations[method];
      return operation?.tags?.includes(tag) === true ? [call(method, route, operation)] : [];
    }),
  );
}

function section(title: string, calls: readonly string[]): string {
  return calls.length === 0 ? '' : `<h2>${escapeHtml(title)}</h2>\n${calls.join('\n')}`;
}

function call(method: string, route: string, { summary, description, parameters }: Operation): string {
  const queries = (parameters ?? [])
    .filter((parameter) => parameter.in === 'query')
    .map(({ name }) => `<code>?${escapeHtml(name)}=</code>`);
  const lines = [summary, description]
    .filter((line) => line !== undefined)
    .map((line, i) => `<p${i === 0 ? '' : ' class="soft"'}>${escapeHtml(line)}</p>`);
  if (queries.length > 0) lines.push(`<p class="soft">Query: ${queries.join(' ')}</p>`);
  return `<div class="call"><h3><span class="method">${method.toUpperCase()}</span><code>${escapeHtml(route)}</code></h3>${lines.join('')}</div>`;
}
