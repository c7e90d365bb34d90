import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import type { AlertReceivers } from '../fakes/alert-receivers.ts';
import { eventually } from './exporter-process.ts';
import { freePort } from './prometheus.ts';

/** The rules and routes of this repository in a real Prometheus and a real Alertmanager, on loopback and in a hurry. */
export interface AlertChain {
  readonly alertmanagerUrl: string;
  /** From now on Prometheus scrapes the exporter. */
  startPrometheus(exporterUrl: string): Promise<void>;
  readonly stop: () => void;
}

const RULES = path.resolve(__dirname, '..', '..', '..', 'alerting-rules');
const ALERTMANAGER = 'prometheus-alertmanager';

interface Route {
  group_wait?: string;
  group_interval?: string;
  mute_time_intervals?: unknown;
  active_time_intervals?: unknown;
  routes?: Route[];
}
interface Config {
  global: Record<string, unknown>;
  route: Route;
  receivers: { pagerduty_configs?: Record<string, unknown>[]; webhook_configs?: Record<string, unknown>[] }[];
}

export async function startAlertmanager(
  folder: string,
  port: number,
  receivers: AlertReceivers,
  webhookUrl: string,
): Promise<AlertChain> {
  const processes: ChildProcess[] = [];
  const run = (program: string, args: readonly string[]) => {
    const child = spawn(program, args, { stdio: 'ignore', cwd: folder });
    processes.push(child);
    return child;
  };
  cpSync(path.join(RULES, 'alertmanager', 'templates'), path.join(folder, 'templates'), { recursive: true });
  writeFileSync(path.join(folder, 'slack_url'), receivers.slackUrl);
  writeFileSync(path.join(folder, 'pagerduty_key'), '0123456789abcdef0123456789abcdef');
  writeFileSync(path.join(folder, 'alertmanager.yml'), stringify(routes(folder, receivers, webhookUrl)));
  const alertmanagerUrl = `http://127.0.0.1:${port}`;
  run(ALERTMANAGER, [
    `--config.file=${path.join(folder, 'alertmanager.yml')}`,
    `--storage.path=${path.join(folder, 'alertmanager')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ]);
  await untilReady(alertmanagerUrl);
  return {
    alertmanagerUrl,
    startPrometheus: async (exporterUrl) => {
      const own = await prometheusConfig(folder, exporterUrl, port);
      run('prometheus', [
        `--config.file=${own.file}`,
        `--storage.tsdb.path=${path.join(folder, 'tsdb')}`,
        `--web.listen-address=127.0.0.1:${own.port}`,
      ]);
      await untilReady(`http://127.0.0.1:${own.port}`);
    },
    stop: () => {
      for (const child of processes) child.kill('SIGKILL');
    },
  };
}

/** The routes as they are, but with stand-ins at their ends, seconds in the place of minutes, and no nights or weekends. */
function routes(folder: string, receivers: AlertReceivers, webhookUrl: string): Config {
  const config = parse(readFileSync(path.join(RULES, 'alertmanager', 'alertmanager.yml'), 'utf8')) as Config;
  Object.assign(config.global, {
    slack_api_url_file: path.join(folder, 'slack_url'),
    pagerduty_url: receivers.pagerdutyUrl,
    smtp_smarthost: receivers.smtpAddress,
    smtp_require_tls: false,
  });
  const hurry = (route: Route) => {
    route.group_wait = '3s';
    route.group_interval = '3s';
    delete route.mute_time_intervals;
    delete route.active_time_intervals;
    route.routes?.forEach(hurry);
  };
  hurry(config.route);
  for (const receiver of config.receivers) {
    for (const pagerduty of receiver.pagerduty_configs ?? [])
      pagerduty.routing_key_file = path.join(folder, 'pagerduty_key');
    for (const webhook of receiver.webhook_configs ?? []) {
      webhook.url = webhookUrl;
      delete webhook.http_config;
    }
  }
  return config;
}

/** Rules of models in a hurry; those of the exporter as they are; without budgets, which are about hours and days. */
async function prometheusConfig(
  folder: string,
  exporterUrl: string,
  alertmanagerPort: number,
): Promise<{ readonly file: string; readonly port: number }> {
  mkdirSync(path.join(folder, 'rules'));
  for (const file of readdirSync(RULES).filter((name) => name.endsWith('.rules.yml'))) {
    const text = readFileSync(path.join(RULES, file), 'utf8');
    const { groups } = parse(text) as {
      groups: { name: string; rules: { for?: string; keep_firing_for?: string }[] }[];
    };
    const kept = groups.filter(({ name }) => !/budgets|burn-rates/.test(name));
    if (file === 'model-health.rules.yml')
      for (const rule of kept.flatMap(({ rules }) => rules)) {
        rule.for = '1s';
        if (rule.keep_firing_for !== undefined) rule.keep_firing_for = '5s';
      }
    writeFileSync(path.join(folder, 'rules', file), stringify({ groups: kept }));
  }
  const file = path.join(folder, 'prometheus.yml');
  writeFileSync(
    file,
    stringify({
      global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '500ms' },
      rule_files: ['rules/*.yml'],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertmanagerPort}`] }] }] },
      scrape_configs: [{ job_name: 'model-health', static_configs: [{ targets: [new URL(exporterUrl).host] }] }],
    }),
  );
  return { file, port: await freePort() };
}

async function untilReady(url: string): Promise<void> {
  await eventually(async () => {
    if (!(await fetch(`${url}/-/ready`)).ok) throw new Error(`${url} is not ready`);
  }, 30_000);
}
