import type { FastifyInstance } from 'fastify';
import { authorise } from '../auth.ts';
import type { Access } from '../auth.ts';
import { escapeHtml, page, PAGE_HEADERS } from './page.ts';

interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, unknown>> };
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

const METHODS = ['get', 'put', 'post', 'delete'] as const;
/** Tag, which is the anchor, and title. */
const SECTIONS: readonly (readonly [string, string])[] = [
  ['intake', 'Sending predictions and ground truth'],
  ['health', 'Health'],
  ['models', 'Models'],
  ['baselines', 'Baselines'],
  ['retraining', 'Retraining'],
  ['alerts', 'Alerts'],
  ['metrics', 'Metrics'],
  ['process', 'The process'],
];

const EXAMPLE = `{"model": "move_probability", "version": "12", "prediction_id": "9f1c",
 "timestamp": "2026-11-23T10:00:00Z",
 "features": {"tenure_months": 34, "region": "north", "income": null},
 "prediction": "1", "scores": {"0": 0.18, "1": 0.82}, "latency_ms": 12.5,
 "error": null, "segment": {"channel": "web"}}`;

const ANSWERS: readonly (readonly [string, string])[] = [
  [
    '200',
    'Done; for predictions and labels: committed. `rejected` and `errors` tell of single rows that were refused.',
  ],
  ['400, 415', 'The request cannot be read. Correct it; the same again fails again.'],
  ['401, 403', 'No token, an unknown one, or one without the scope or the model.'],
  ['404, 405', 'No such path, model or version; or not with this method: `Allow` has those that are.'],
  ['409', 'It does not go together with what is stored.'],
  ['413', 'Too large. Send smaller batches.'],
  ['422', 'Every row was refused; `errors` says why, row by row.'],
  ['429, 503', 'Overloaded, or the database is away. Send the same again after `Retry-After` seconds.'],
];

/** `/docs/ml`: the calls for people; `/docs/ml/json`: OpenAPI for machines. Both come from the routes' own descriptions. */
export function docsPage(server: FastifyInstance, access: Access): void {
  const described = () => server.swagger() as unknown as { readonly paths?: Paths };
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
      const { paths = {} } = described();
      return reply
        .headers(PAGE_HEADERS)
        .send(page('Model health API', docsBody(paths, `${request.protocol}://${request.host}`)));
    },
  });
}

function docsBody(paths: Paths, address: string): string {
  const contents = SECTIONS.map(([tag, title]) => `<li><a href="#${tag}">${escapeHtml(title)}</a></li>`);
  const answers = ANSWERS.map(([code, text]) => `<dt>${code}</dt><dd>${prose(text)}</dd>`);
  return `<header><h1>Model health API</h1>
<p><a href="/">All models</a> · <a href="/docs/ml/json">OpenAPI</a></p></header>
<nav aria-label="Contents"><ul><li><a href="#prediction">A prediction</a></li><li><a href="#answers">Answers</a></li>${contents.join('')}</ul></nav>
<h2 id="prediction">A prediction</h2>
<p>What <code>POST /api/ml/predictions</code> takes, as JSON. Only <code>model</code> is required. A retry with the same <code>prediction_id</code> and <code>timestamp</code> is counted once.</p>
<pre tabindex="0">${escapeHtml(EXAMPLE)}</pre>
<p>Its label, whenever it is known:</p>
<pre tabindex="0">curl ${escapeHtml(address)}/api/ml/ground-truth -H 'content-type: application/json' \\
  -d '{"model": "move_probability", "prediction_id": "9f1c", "label": "1"}'</pre>
<h2 id="answers">Answers</h2>
<p>Errors are problem details (RFC 9457) with a JSON pointer for each field at fault.</p>
<dl class="answers">${answers.join('\n')}</dl>
<p>Where tokens are configured, send <code>Authorization: Bearer …</code>. Scope <code>ingest</code> may send predictions and labels, <code>read</code> may do every GET but <code>/config</code>, <code>admin</code> the rest. <code>/-/healthy</code>, <code>/-/ready</code> and <code>/-/leader</code> are open to all.</p>
${SECTIONS.map(([tag, title]) => section(tag, title, callsOf(paths, tag))).join('\n')}`;
}

function callsOf(paths: Paths, tag: string): string[] {
  return Object.entries(paths).flatMap(([route, operations]) =>
    METHODS.flatMap((method) => {
      const operation = operations[method];
      return operation?.tags?.includes(tag) === true ? [call(method, route, operation)] : [];
    }),
  );
}

function section(tag: string, title: string, calls: readonly string[]): string {
  return `<h2 id="${tag}">${escapeHtml(title)}</h2>\n${calls.join('\n')}`;
}

function call(method: string, route: string, { summary, description, parameters, requestBody }: Operation): string {
  const queries = (parameters ?? [])
    .filter((parameter) => parameter.in === 'query')
    .map(({ name }) => `<code>?${escapeHtml(name)}=</code>`);
  const lines = [summary, description]
    .filter((line) => line !== undefined)
    .map((line, i) => `<p${i === 0 ? '' : ' class="soft"'}>${prose(line)}</p>`);
  const bodies = Object.keys(requestBody?.content ?? {}).map((type) => `<code>${escapeHtml(type)}</code>`);
  if (bodies.length > 0) lines.push(`<p class="soft">Body: ${bodies.join(', ')}</p>`);
  if (queries.length > 0) lines.push(`<p class="soft">Query: ${queries.join(' ')}</p>`);
  return `<div class="call"><h3><span class="method">${method.toUpperCase()}</span><code>${escapeHtml(route)}</code></h3><div>${lines.join('')}</div></div>`;
}

/** What stands in backticks is code. */
function prose(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}
