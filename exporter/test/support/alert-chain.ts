import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import type { AlertReceivers } from '../fakes/alert-receivers.ts';
import { scrapeJob, startPrometheus, untilReady } from './prometheus.ts';

/** The rules and routes of this repository in a real Prometheus and a real Alertmanager, on loopback and in a hurry. */
export interface AlertChain {
  readonly alertmanagerUrl: string;
  /** From now on Prometheus scrapes the exporter. Resolves with the address of its API, which ends in /api/v1. */
  startPrometheus(exporterUrl: string): Promise<string>;
  readonly stop: () => void;
}

/** How much of a hurry, in the words of their configurations. */
export interface Pace {
  /** A scrape may take as long as this, too: one that is given up ends every alert. */
  readonly scrape: string;
  readonly evaluation: string;
  readonly groupWait: string;
  readonly groupInterval: string;
  readonly for: string;
  readonly keepFiringFor: string;
  /** Of the groups of rules, those with such a name. */
  readonly groups: RegExp;
}

/** Seconds in the place of minutes; without budgets, which are about hours and days. */
const SECONDS: Pace = {
  scrape: '2s',
  evaluation: '500ms',
  groupWait: '3s',
  groupInterval: '3s',
  for: '1s',
  keepFiringFor: '5s',
  groups: /^(?!.*(budgets|burn-rates))/,
};

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
  pace: Pace = SECONDS,
): Promise<AlertChain> {
  cpSync(path.join(RULES, 'alertmanager', 'templates'), path.join(folder, 'templates'), { recursive: true });
  writeFileSync(path.join(folder, 'slack_url'), receivers.slackUrl);
  writeFileSync(path.join(folder, 'pagerduty_key'), '0123456789abcdef0123456789abcdef');
  writeFileSync(path.join(folder, 'alertmanager.yml'), stringify(routes(folder, receivers, webhookUrl, pace)));
  const alertmanagerUrl = `http://127.0.0.1:${port}`;
  const alertmanager = spawn(
    ALERTMANAGER,
    [
      `--config.file=${path.join(folder, 'alertmanager.yml')}`,
      `--storage.path=${path.join(folder, 'alertmanager')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ],
    { stdio: 'ignore', cwd: folder },
  );
  const stops: (() => void)[] = [() => alertmanager.kill('SIGKILL')];
  await untilReady(alertmanagerUrl);
  return {
    alertmanagerUrl,
    startPrometheus: async (exporterUrl) => {
      const prometheus = await startPrometheus(folder, prometheusConfig(folder, exporterUrl, port, pace));
      stops.push(prometheus.stop);
      return prometheus.api;
    },
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

/** The routes as they are, but with stand-ins at their ends, in a hurry, and with no nights or weekends. */
function routes(folder: string, receivers: AlertReceivers, webhookUrl: string, pace: Pace): Config {
  const config = parse(readFileSync(path.join(RULES, 'alertmanager', 'alertmanager.yml'), 'utf8')) as Config;
  Object.assign(config.global, {
    slack_api_url_file: path.join(folder, 'slack_url'),
    pagerduty_url: receivers.pagerdutyUrl,
    smtp_smarthost: receivers.smtpAddress,
    smtp_require_tls: false,
  });
  const hurry = (route: Route) => {
    route.group_wait = pace.groupWait;
    route.group_interval = pace.groupInterval;
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

/** Rules of models in a hurry; those of the exporter as they are. */
function prometheusConfig(folder: string, exporterUrl: string, alertmanagerPort: number, pace: Pace): object {
  mkdirSync(path.join(folder, 'rules'));
  for (const file of readdirSync(RULES).filter((name) => name.endsWith('.rules.yml'))) {
    const text = readFileSync(path.join(RULES, file), 'utf8');
    const { groups } = parse(text) as {
      groups: { name: string; rules: { for?: string; keep_firing_for?: string }[] }[];
    };
    const kept = groups.filter(({ name }) => pace.groups.test(name));
    if (file === 'model-health.rules.yml')
      for (const rule of kept.flatMap(({ rules }) => rules)) {
        rule.for = pace.for;
        if (rule.keep_firing_for !== undefined) rule.keep_firing_for = pace.keepFiringFor;
      }
    writeFileSync(path.join(folder, 'rules', file), stringify({ groups: kept }));
  }
  return {
    global: { scrape_interval: pace.scrape, scrape_timeout: pace.scrape, evaluation_interval: pace.evaluation },
    rule_files: ['rules/*.yml'],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertmanagerPort}`] }] }] },
    scrape_configs: [scrapeJob('model-health', exporterUrl)],
  };
}
