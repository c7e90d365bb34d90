import { fakeServer } from '../src/http/fake-services.ts';

interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, unknown>> };
}

const METHODS = ['get', 'put', 'post', 'delete'] as const;
const TITLES: Readonly<Record<string, string>> = {
  intake: 'Sending predictions, ground truth and business figures',
  health: 'Health and reports',
  models: 'Models',
  baselines: 'Baselines',
  retraining: 'Retraining',
  alerts: 'Alerts',
  metrics: 'Metrics',
  process: 'The process',
};

/** docs/api.md: what the routes say of themselves, as it is served at /docs/ml/json. */
export async function apiReference(): Promise<string> {
  const server = await fakeServer();
  const { paths } = (await server.inject('/docs/ml/json')).json<{
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  }>();
  await server.close();
  const sections = new Map<string, string[]>(Object.keys(TITLES).map((tag) => [tag, []]));
  for (const [path, operations] of Object.entries(paths))
    for (const method of METHODS) {
      const operation = operations[method];
      if (operation === undefined) continue;
      const tag = operation.tags?.[0] ?? 'process';
      sections.set(tag, [...(sections.get(tag) ?? []), described(method, path, operation)]);
    }
  return `# API

Generated from the routes by \`npm run reference\`; the same, for machines, is at http://127.0.0.1:9477/docs/ml/json (OpenAPI 3.1). Errors are
problem details (RFC 9457), with a JSON pointer for each field at fault.

${[...sections].map(([tag, calls]) => `## ${TITLES[tag] ?? tag}\n\n${calls.join('\n')}`).join('\n')}`;
}

function described(method: string, path: string, { summary, description, parameters, requestBody }: Operation): string {
  const query = (parameters ?? []).filter(({ in: where }) => where === 'query');
  const types = Object.keys(requestBody?.content ?? {});
  const lines = [
    `### ${method.toUpperCase()} \`${path.replaceAll(/\{(\w+)\}/g, ':$1')}\``,
    '',
    `${summary ?? ''}.`.replace(/\.\.$/, '.'),
    ...(description === undefined ? [] : ['', description]),
    ...(query.length === 0
      ? []
      : [
          '',
          `Query: ${query.map(({ name, required }) => `\`${name}\`${required === true ? ' (required)' : ''}`).join(', ')}.`,
        ]),
    ...(types.length === 0 ? [] : ['', `Body: ${types.map((type) => `\`${type}\``).join(', ')}.`]),
  ];
  return `${lines.join('\n')}\n`;
}
