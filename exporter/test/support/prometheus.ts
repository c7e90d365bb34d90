import { describe, expect } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { eventually, jsonOf } from './exporter-process.ts';
import { freePort } from './free-port.ts';

/** A real Prometheus on loopback. */
export interface Prometheus {
  /** Its API; ends in /api/v1. */
  readonly api: string;
  readonly stop: () => void;
}

const installed = (program: string) => spawnSync(program, ['--version']).status === 0;

/** `describe` where these programs are. With CI=true they are installed, or the run has failed before this. */
export function describeWith(...programs: readonly string[]): typeof describe | typeof describe.skip {
  return programs.every(installed) ? describe : describe.skip;
}

/** With `config` as prometheus.yml, whose relative paths begin in `folder`, where its data lies, too. Resolves once it is ready. */
export async function startPrometheus(folder: string, config: object): Promise<Prometheus> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const file = path.join(folder, 'prometheus.yml');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, stringify(config));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${path.join(folder, 'tsdb')}`,
      `--web.listen-address=${new URL(url).host}`,
    ],
    { stdio: 'ignore', cwd: folder },
  );
  await untilReady(url);
  return { api: `${url}/api/v1`, stop: () => child.kill('SIGKILL') };
}

/** Prometheus and Alertmanager say so in the same place. */
export async function untilReady(url: string): Promise<void> {
  await eventually(async () => {
    if (!(await fetch(`${url}/-/ready`)).ok) throw new Error(`${url} is not ready`);
  }, 60_000);
}

/** What `exporters`, at these addresses, are as a job. */
export function scrapeJob(name: string, ...exporters: readonly string[]): object {
  return { job_name: name, static_configs: [{ targets: exporters.map((url) => new URL(url).host) }] };
}

interface QueryAnswer {
  readonly status: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Record<string, string>;
      readonly value: readonly [number, string];
    }[];
  };
}

/** An instant query; `api` ends in /api/v1. */
export async function promQuery(
  api: string,
  promql: string,
): Promise<{ metric: Record<string, string>; value: number }[]> {
  const answer = await jsonOf<QueryAnswer>(await fetch(`${api}/query?query=${encodeURIComponent(promql)}`));
  expect(answer.status).toBe('success');
  return answer.data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
}
