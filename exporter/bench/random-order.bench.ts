// What it costs that predictions come in random order of 10,000 models rather than of one: the whole of intake, over HTTP into PostgreSQL,
// 1,000 events of 20 features a request: parse, validate, bin, COPY, delta, commit. All models have a baseline, so that a row is counted
// under some 250 edges a column. Rounds of one order and of the other alternate, so that what else the machine does falls on both. Target:
// 1.5 times the CPU. What the exporter alone does with a row, without HTTP and PostgreSQL: `npm run bench -- scale`.
// A sweep of all models costs the same however much comes in, and has a bench of its own (`scale`): none falls into the rounds, unless
// BENCH_EVALUATION=15s. BENCH_MODELS, BENCH_ROUNDS and BENCH_SECONDS choose otherwise.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { MINUTE_MS } from '../src/histogram/time-bucket.ts';
import { clusterUrl } from '../src/storage/embedded/cluster.ts';
import { createPool } from '../src/storage/pool.ts';
import { bodyOf, load, PLACEHOLDER_ID } from './support/event-load.ts';
import type { Body } from './support/event-load.ts';
import { BASELINE_ROWS, eventsOf, makeTarget, uniform } from './support/many-models.ts';
import { startExporter } from './support/running-exporter.ts';
import type { RunningExporter } from './support/running-exporter.ts';

const MODELS = Number(process.env.BENCH_MODELS ?? 10_000);
const FEATURES = 20;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 10);
const EVALUATION = process.env.BENCH_EVALUATION;
const WARM_UP_SECONDS = 5;
const EVENTS = 1_000;
const BODIES = 48;
const CONNECTIONS = 8;
/** Models that become known at once: their schemes come in one answer of the database, 100 kB each. */
const MODELS_AT_ONCE = 1_000;
const TARGET = 1.5;
const TICKS_A_SECOND = 100;
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const { features } = makeTarget(1, FEATURES, null);
const modelOf = (id: number) => ({ model: `model_${id}`, features });

function makeBodies(pick: () => number): Body[] {
  const models = () => Array.from({ length: EVENTS }, () => modelOf(pick()));
  return Array.from({ length: BODIES }, () =>
    bodyOf(eventsOf(models(), Date.now() - MINUTE_MS, MINUTE_MS, () => PLACEHOLDER_ID)),
  );
}

async function uploadBaseline(url: URL): Promise<void> {
  const rows = eventsOf(
    Array.from({ length: BASELINE_ROWS }, () => modelOf(1)),
    Date.now() - MINUTE_MS,
    MINUTE_MS,
  );
  const lines = (JSON.parse(rows.toString()) as readonly unknown[]).map((row) => JSON.stringify(row));
  const response = await fetch(new URL('/api/ml/models/model_1/baseline?version=1', url), {
    method: 'PUT',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  });
  if (response.status !== 200) throw new Error(`the baseline: ${response.status} ${await response.text()}`);
}

/** More models like the first, as another exporter on the same database would make them: under the epoch's lock, with a new epoch. */
const MORE_MODELS = (from: number, to: number) => `
  BEGIN;
  SELECT pg_advisory_xact_lock(20611, 1);
  UPDATE scheme_epoch SET epoch = epoch + 1;
  INSERT INTO models (name, task, positive_class, classes, only_configured, error_reasons, declared, changed_epoch, created_at)
    SELECT 'model_' || i, task, positive_class, classes, only_configured, error_reasons, declared, epoch, created_at
    FROM models, scheme_epoch, generate_series(${from}, ${to}) AS i WHERE name = 'model_1';
  INSERT INTO model_versions (model_id, version, changed_epoch, created_at)
    SELECT m.id, '1', epoch, m.created_at FROM models m, scheme_epoch WHERE m.changed_epoch = epoch;
  INSERT INTO feature_sets (version_id, names, num_names, cat_names)
    SELECT v.id, f.names, f.num_names, f.cat_names FROM model_versions v, bench_first b JOIN feature_sets f ON f.id = b.feature_set_id
    WHERE v.scheme_id IS NULL;
  INSERT INTO bin_schemes (version_id, payload, created_at, counted_from, counting)
    SELECT v.id, s.payload, s.created_at, s.counted_from, s.counting
    FROM model_versions v, bench_first b JOIN bin_schemes s ON s.id = b.scheme_id WHERE v.scheme_id IS NULL;
  UPDATE model_versions v SET scheme_id = s.id FROM bin_schemes s WHERE s.version_id = v.id AND v.scheme_id IS NULL;
  INSERT INTO baselines (version_id, scheme_id, kind, made_at, row_count, labelled_count, description, payload, design_effects)
    SELECT v.id, v.scheme_id, l.kind, l.made_at, l.row_count, l.labelled_count, l.description, l.payload, l.design_effects
    FROM model_versions v, bench_first b JOIN baselines l ON l.id = b.baseline_id WHERE v.baseline_id IS NULL;
  UPDATE model_versions v SET baseline_id = l.id FROM baselines l WHERE l.version_id = v.id AND v.baseline_id IS NULL;
  COMMIT`;

async function makeModels(url: URL, pool: Pool): Promise<void> {
  await pool.query(
    `CREATE TABLE bench_first AS SELECT v.scheme_id, v.baseline_id, (SELECT max(id) FROM feature_sets f WHERE f.version_id = v.id) AS feature_set_id
     FROM model_versions v`,
  );
  const one = [bodyOf(eventsOf([modelOf(1)], Date.now() - MINUTE_MS, MINUTE_MS, () => PLACEHOLDER_ID))];
  for (let made = 1; made < MODELS; made += MODELS_AT_ONCE) {
    await pool.query(MORE_MODELS(made + 1, Math.min(MODELS, made + MODELS_AT_ONCE)));
    // The first commit under the new epoch is refused until the exporter has read what changed.
    await load(url, one, { connections: 1, seconds: 0.001 });
  }
  await pool.query('DROP TABLE bench_first');
}

/** Every model's baseline is read when it is first evaluated: once, and no part of steady intake. */
async function allEvaluated(url: URL): Promise<void> {
  for (const deadline = performance.now() + 120_000; performance.now() < deadline;) {
    const response = await fetch(new URL(`/api/ml/health/model_${MODELS}`, url));
    await response.arrayBuffer();
    if (response.status === 200) return;
    await sleep(250);
  }
  throw new Error('not every model was evaluated within two minutes');
}

/** Seconds, or microseconds a row. */
interface Cpu {
  readonly exporter: number;
  readonly database: number;
}

/** CPU so far: of the exporter, and of all processes that it started, which are PostgreSQL's. */
function cpuNow(exporter: number): Cpu {
  const running = new Map<number, { readonly parent: number; readonly own: number; readonly ended: number }>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // After the name of the program, in parentheses, which may hold spaces.
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
        .map(Number);
      running.set(Number(name), {
        parent: fields[1]!,
        own: (fields[11]! + fields[12]!) / TICKS_A_SECOND,
        ended: (fields[13]! + fields[14]!) / TICKS_A_SECOND,
      });
    } catch {
      // Just ended.
    }
  }
  const isDatabase = (pid: number): boolean => {
    const parent = running.get(pid)?.parent ?? 0;
    return parent === exporter || (parent > 1 && isDatabase(parent));
  };
  let database = 0;
  for (const [pid, { own, ended }] of running) if (isDatabase(pid)) database += own + ended;
  return { exporter: running.get(exporter)!.own, database };
}

interface Round {
  readonly rate: number;
  readonly cpu: Cpu;
}

async function round({ url, pid }: RunningExporter, bodies: readonly Body[]): Promise<Round> {
  const before = cpuNow(pid);
  const { events, eventsPerSecond } = await load(url, bodies, { connections: CONNECTIONS, seconds: SECONDS });
  const after = cpuNow(pid);
  const of = (part: keyof Cpu) => ((after[part] - before[part]) * 1e6) / events;
  return { rate: eventsPerSecond, cpu: { exporter: of('exporter'), database: of('database') } };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >>> 1]!;

const wholeOf = ({ cpu }: Round) => cpu.exporter + cpu.database;

function report(what: string, rounds: readonly Round[]): void {
  const of = (figure: (each: Round) => number, digits: number) => {
    const figures = rounds.map(figure);
    const shown = (n: number) =>
      n.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return `${shown(median(figures))} (${shown(Math.min(...figures))}-${shown(Math.max(...figures))})`;
  };
  const cells = [
    of(({ rate }) => rate, 0),
    of(({ cpu }) => cpu.exporter, 1),
    of(({ cpu }) => cpu.database, 1),
    of(wholeOf, 1),
  ];
  console.log(`| ${[what, ...cells].join(' | ')} |`);
}

const config = path.join(tmpdir(), `mh-bench-${process.pid}.yaml`);
writeFileSync(
  config,
  `limits: { models: ${MODELS} }\nexposition: { features: 'worst:5' }\nevaluation: { interval: ${EVALUATION ?? '1h'} }\n`,
);
const exporter = await startExporter([`--config.file=${config}`]);
const pool = createPool(clusterUrl(path.join(exporter.dataPath, 'run')), {
  max: 1,
  applicationName: 'bench',
  log: quiet,
  statementTimeoutMs: 0,
});
try {
  await uploadBaseline(exporter.url);
  await makeModels(exporter.url, pool);
  if (EVALUATION !== undefined) await allEvaluated(exporter.url);
  const one = { bodies: makeBodies(() => 1), rounds: [] as Round[] };
  const mixed = { bodies: makeBodies(() => 1 + Math.floor(uniform() * MODELS)), rounds: [] as Round[] };
  for (const { bodies } of [one, mixed])
    await load(exporter.url, bodies, { connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
  for (let i = 0; i < ROUNDS; i++)
    for (const { bodies, rounds } of [one, mixed]) rounds.push(await round(exporter, bodies));
  console.log(`Medians of ${ROUNDS} rounds (least-most); CPU in us a row.`);
  console.log('| rows | events/s | CPU of the exporter | of PostgreSQL | of both |');
  console.log('| --- | --- | --- | --- | --- |');
  report('of one model', one.rounds);
  report(`in random order of ${MODELS.toLocaleString('en')}`, mixed.rounds);
  const ratio = (figure: (each: Round) => number) => median(mixed.rounds.map(figure)) / median(one.rounds.map(figure));
  console.log(
    `In random order ${ratio(wholeOf).toFixed(2)} times the CPU of one model's (target ${TARGET}), ${(1 / ratio(({ rate }) => rate)).toFixed(2)} times the time; the exporter alone ${ratio(({ cpu }) => cpu.exporter).toFixed(2)}.`,
  );
} finally {
  await pool.end();
  await exporter.stop();
  rmSync(config, { force: true });
}
