import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { migrate } from '../../src/storage/migrate.ts';
import { createPool } from '../../src/storage/pool.ts';
import { RAW_TABLES, STATE_TABLES } from '../../src/storage/state-file.ts';
import { createEmptyDatabase, createTestDatabase } from '../support/database.ts';
import { eventually, jsonOf, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { silentLog } from '../support/silent-log.ts';
import { temporaryFolder } from '../support/test-server.ts';
import { watchdog } from '../support/watchdog.ts';

const MAIN = path.resolve(__dirname, '..', '..', 'dist', 'src', 'main.js');
const NOW = Date.UTC(2026, 10, 24, 12, 30);
const MODELS = ['churn', 'price "per" night'];
/** A clock that all but stands still, so that the windows of before and after are the same. */
const CLOCK = [`--clock.start=${NOW}`, '--clock.speed=0.0001'];

function makeEvents(rows: number) {
  return Array.from({ length: rows }, (_, i) => ({
    model: MODELS[i % 2],
    version: i % 3 === 0 ? '2' : '1',
    prediction_id: i % 5 === 0 ? `id ${i}` : randomUUID(),
    timestamp: NOW - 60_000 - i * 5_000,
    features: { age: i % 20 === 0 ? null : 20 + (i % 50), region: ['north', 'süd', 'e"ast'][i % 3] },
    ...(i % 2 === 0 ? { prediction: i % 4 === 0 ? 'yes' : 'no', score: (i % 100) / 100 } : { prediction: 100 + i / 7 }),
    latency_ms: 1 + (i % 40),
    error: i % 60 === 0 ? 'timeout' : null,
    segment: { channel: 'app' },
  }));
}

/** A connection that the end of its database cuts off is no error. */
const poolOf = (url: string) => createPool(url, { max: 2, applicationName: 'test', log: silentLog });

async function run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = promisify(execFile)(process.execPath, [MAIN, ...argv], { env: { PATH: process.env.PATH ?? '' } });
  return child.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => error as { code: number; stdout: string; stderr: string },
  );
}

/** What /metrics says of the models. */
async function exposition(baseUrl: string): Promise<string[]> {
  const text = await (await fetch(`${baseUrl}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('ml_') && !line.startsWith('ml_exporter_') && !/_age_seconds/.test(line))
    .sort();
}

const healthOf = async (baseUrl: string) => {
  const health = await jsonOf<{ models: { evaluated_at?: string }[] }>(await fetch(`${baseUrl}/api/ml/health`));
  return JSON.parse(
    JSON.stringify(health, (key, value: unknown) => (key.endsWith('_at') ? undefined : value)),
  ) as unknown;
};

/** The rows of every table, in no order. */
function tablesOf(
  file: Buffer,
): Map<string, { readonly columns: readonly string[]; readonly rows: readonly string[] }> {
  const blocks = gunzipSync(file)
    .toString()
    .split(/^(?=\{"table":)/m);
  return new Map(
    blocks.slice(1).map((block) => {
      const [head, ...rows] = block.slice(0, block.indexOf('\n\\.\n')).split('\n');
      const { table, columns } = JSON.parse(head!) as { table: string; columns: string[] };
      return [table, { columns, rows: rows.sort() }];
    }),
  );
}

/** As a database at 0010 would have been exported: of the tables and columns that it had. */
function olderFile(
  text: string,
  sha256: string,
  had: readonly { readonly table: string; readonly columns: readonly string[] }[],
): string {
  const [header, ...blocks] = text.split(/^(?=\{"(?:table|end)":)/m);
  const { rows } = JSON.parse(blocks.pop()!) as { rows: Record<string, number> };
  const end = { end: true, rows: Object.fromEntries(had.map(({ table }) => [table, rows[table] ?? 0])) };
  const older = blocks.map((block) => {
    const [head, ...lines] = block.split('\n');
    const { table, columns, ...days } = JSON.parse(head!) as { table: string; columns: string[] };
    const of = had.find((one) => one.table === table);
    const kept = columns.flatMap((column, i) => (of?.columns.includes(column) === true ? [i] : []));
    const shorter = lines.map((row) => (/^(\\\.)?$/.test(row) ? row : kept.map((i) => row.split('\t')[i]).join('\t')));
    return of === undefined
      ? ''
      : [JSON.stringify({ table, columns: kept.map((i) => columns[i]), ...days }), ...shorter].join('\n');
  });
  const schema = { number: 10, name: '0010_erasure', sha256 };
  return [`${JSON.stringify({ ...JSON.parse(header!), schema })}\n`, ...older, JSON.stringify(end)].join('');
}

describe('export and import', () => {
  const folder = temporaryFolder();
  const guard = watchdog(folder);
  const file = path.join(folder, 'state.gz');
  const events = makeEvents(3_000);
  let before: { metrics: string[]; health: unknown };
  let source: ExporterProcess | undefined;

  beforeAll(async () => {
    source = await startExporter({ dataPath: path.join(folder, 'a'), flags: CLOCK });
    const { baseUrl } = source;
    const send = async (route: string, body: unknown) => {
      const response = await fetch(`${baseUrl}/api/ml/${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(200);
    };
    await send('predictions', events);
    const labels = events
      .slice(0, 900)
      .map(({ model, prediction_id, prediction }) => ({ model, prediction_id, label: prediction, timestamp: NOW }));
    await send('ground-truth', labels);
    before = await eventually(async () => {
      const state = { metrics: await exposition(baseUrl), health: await healthOf(baseUrl) };
      const counted = state.metrics.filter((line) => line.startsWith('ml_predictions_total'));
      expect(counted.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)).toBe(3_000);
      // A baseline that came after the export would find no rows: each of the four versions has its own, or a copy, before.
      expect(state.metrics.filter((line) => /^ml_model_info\{.*baseline="captured"/.test(line))).toHaveLength(4);
      expect(state.metrics.filter((line) => line.startsWith('ml_model_health_score{'))).toHaveLength(4);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(await exposition(baseUrl)).toEqual(state.metrics);
      return state;
    }, 90_000);
    expect(await source.kill('SIGTERM')).toBe(0);
  }, 180_000);
  afterAll(async () => {
    await source?.kill('SIGKILL');
    await guard.end();
  });

  test('every table is either of the state or raw', async () => {
    const database = await createTestDatabase();
    const pool = poolOf(database.url);
    try {
      const { rows } = await pool.query<{ name: string }>(
        "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = current_schema()::regnamespace ORDER BY 1",
      );
      // A new table belongs into one of the lists of storage/state-transfer.ts.
      expect(rows.map(({ name }) => name)).toEqual([...STATE_TABLES, ...RAW_TABLES, 'schema_migrations'].sort());
    } finally {
      await pool.end();
      await database.drop();
    }
  });

  test('elsewhere the counters and the health are what they were, and go on', async () => {
    const exported = await run('export', `--data.path=${path.join(folder, 'a')}`, `--output=${file}`);
    expect(exported).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/state\.gz: [\d,]+ rows of 2 models, [\d.]+ kB\n/),
    });
    expect(exported.stderr).toContain('statistics_bucket: ');
    const lines = gunzipSync(readFileSync(file)).toString().split('\n');
    expect(JSON.parse(lines[0]!)).toMatchObject({ format: 'model-health', version: 2 });
    for (const raw of RAW_TABLES) expect(lines.some((line) => line.startsWith(`{"table":"${raw}"`))).toBe(false);

    const target = path.join(folder, 'b');
    expect(await run('import', `--data.path=${target}`, `--input=${file}`)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('of 2 models are imported'),
    });
    const again = path.join(folder, 'again.ndjson.gz');
    expect(await run('export', `--data.path=${target}`, `--output=${again}`)).toMatchObject({ code: 0 });
    const [had, has] = [tablesOf(readFileSync(file)), tablesOf(readFileSync(again))];
    // Nobody holds the lease, and what may have been counted before is refused from now on.
    for (const table of ['leases', 'partition_floors']) for (const tables of [had, has]) tables.delete(table);
    expect(has).toEqual(had);
    const exporter = await startExporter({ dataPath: target, flags: CLOCK });
    try {
      await eventually(async () => expect(await exposition(exporter.baseUrl)).toEqual(before.metrics), 60_000);
      expect(await healthOf(exporter.baseUrl)).toEqual(before.health);
      const send = async (predictions: unknown) =>
        jsonOf<{ accepted: number; rejected: number }>(
          await fetch(`${exporter.baseUrl}/api/ml/predictions`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(predictions),
          }),
        );
      // What may have been counted before is refused; what is new is counted, under ids that are not taken.
      expect(await send(events.slice(0, 10))).toMatchObject({ accepted: 0, rejected: 10 });
      const fresh = events
        .slice(0, 40)
        .map((event) => ({ ...event, model: 'another', prediction_id: randomUUID(), timestamp: NOW }));
      const more = events.slice(0, 40).map((event) => ({ ...event, prediction_id: randomUUID(), timestamp: NOW }));
      expect(await send([...fresh, ...more])).toMatchObject({ accepted: 80, rejected: 0 });
      await eventually(async () => {
        const metrics = await exposition(exporter.baseUrl);
        const total = metrics
          .filter((line) => line.startsWith('ml_predictions_total'))
          .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
        expect(total).toBe(3_080);
      }, 60_000);
    } finally {
      await exporter.kill('SIGTERM');
    }
    expect(await run('import', `--data.path=${target}`, `--input=${file}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('The import failed: The database is not empty: predictions has rows.'),
    });
    expect(await run('export', `--data.path=${target}`, `--output=${file}`)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/exists already/),
    });
  }, 240_000);

  test('a file that is cut off, damaged, not ours, newer or of another build changes nothing', async () => {
    const database = await createEmptyDatabase();
    try {
      const text = gunzipSync(readFileSync(file)).toString();
      const lines = text.trimEnd().split('\n');
      const header = JSON.parse(lines[0]!) as { schema: { number: number; name: string } };
      const bad = async (name: string, body: string | Buffer) => {
        const target = path.join(folder, name);
        writeFileSync(target, body);
        const result = await run('import', `--database.url=${database.url}`, `--input=${target}`);
        expect(result.code).toBe(1);
        return result.stderr;
      };
      const withHeader = (change: object) => [JSON.stringify({ ...header, ...change }), ...lines.slice(1)].join('\n');
      expect(await bad('lines.ndjson', lines.slice(0, -1).join('\n'))).toMatch(/is cut off; nothing was imported/);
      expect(await bad('bytes.gz', readFileSync(file).subarray(0, 3_000))).toMatch(/cannot be read to its end/);
      const bucket = lines.findIndex((line) => line.startsWith('{"table":"statistics_bucket"'));
      const without = (at: number) => [...lines.slice(0, at), ...lines.slice(at + 1)].join('\n');
      expect(await bad('missing.ndjson', without(bucket + 1))).toMatch(/cut off or damaged; nothing was imported/);
      const model = lines.findIndex((line) => line.startsWith('{"table":"models"'));
      expect(await bad('orphans.ndjson', without(model + 1))).toMatch(
        /rows of model_versions do not fit.*nothing was imported/,
      );
      const changed = (from: string, to: string) => lines.join('\n').replace(from, to);
      expect(await bad('value.ndjson', changed('\n\\.\n', '\nx\n\\.\n'))).toMatch(/rows of scheme_epoch do not fit/);
      expect(await bad('column.ndjson', changed('"columns":["id"', '"columns":["idea"'))).toMatch(/do not fit.*idea/);
      for (const table of ['pg_authid', 'constructor'])
        expect(await bad(`${table}.ndjson`, changed('"table":"models"', `"table":"${table}"`))).toMatch(
          /unknown table/,
        );
      expect(await bad('empty.ndjson', '')).toMatch(/not a file that/);
      expect(await bad('other.gz', gzipSync('{"a":1}\n'))).toMatch(/not a file that/);
      expect(await bad('format.ndjson', withHeader({ version: 1 }))).toMatch(/format 1.*the version that wrote it/);
      expect(
        await bad('newer.ndjson', withHeader({ schema: { number: 9_999, name: '9999_later', sha256: '' } })),
      ).toMatch(/has the schema 9999_later, this version knows none beyond/);
      expect(await bad('build.ndjson', withHeader({ schema: { ...header.schema, sha256: 'x' } }))).toMatch(/not ours/);
      const pool = poolOf(database.url);
      const { rows } = await pool.query('SELECT FROM models');
      await pool.end();
      expect(rows).toEqual([]);
      // And it can still be imported into.
      expect((await run('import', `--database.url=${database.url}`, `--input=${file}`)).code).toBe(0);
    } finally {
      await database.drop();
    }
  }, 120_000);

  test('a file of an older schema is imported and migrated; not into a database that is newer already', async () => {
    const [fresh, migrated] = [await createEmptyDatabase(), await createTestDatabase()];
    try {
      const migrations = path.resolve(__dirname, '..', '..', 'migrations');
      const sha256 = createHash('sha256')
        .update(readFileSync(path.join(migrations, '0010_erasure.sql'), 'utf8'))
        .digest('hex');
      const pool = poolOf(fresh.url);
      await migrate(pool, migrations, 10);
      const had = await pool.query<{ table: string; columns: string[] }>(
        'SELECT table_name AS table, array_agg(column_name::text) AS columns FROM information_schema.columns WHERE table_schema = current_schema() GROUP BY 1',
      );
      await pool.end();
      const target = path.join(folder, 'older.ndjson');
      writeFileSync(target, olderFile(gunzipSync(readFileSync(file)).toString(), sha256, had.rows));
      expect(await run('import', `--database.url=${migrated.url}`, `--input=${target}`)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          /The database has the schema \S+ already, the file 0010_erasure: import it into a new database/,
        ),
      });
      expect((await run('import', `--database.url=${fresh.url}`, `--input=${target}`)).code).toBe(0);
      const after = poolOf(fresh.url);
      const { rows } = await after.query(
        'SELECT (SELECT count(*)::int FROM models) AS models, (SELECT count(*)::int FROM partition_floors) AS floors',
      );
      await after.end();
      expect(rows).toEqual([{ models: 2, floors: 1 }]);
    } finally {
      await fresh.drop();
      await migrated.drop();
    }
  }, 120_000);

  test('raw rows as Parquet and as NDJSON: all of them, with their ground truth', async () => {
    const [parquet, ndjson] = [path.join(folder, 'rows.parquet'), path.join(folder, 'rows.ndjson.gz')];
    const data = `--data.path=${path.join(folder, 'a')}`;
    expect(await run('export', data, `--raw=${parquet}`)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('3,000 predictions'),
    });
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(parquet) });
    expect(rows).toHaveLength(3_000);
    const byId = new Map(rows.map((row) => [row.prediction_id as string, row]));
    const [first, second] = events;
    expect(byId.get(first!.prediction_id)).toMatchObject({
      model: 'churn',
      version: '2',
      class: 'yes',
      score: 0,
      features: { age: null, region: 'north' },
      segment: { channel: 'app' },
      error: 'timeout',
      label: 'yes',
      latency_ms: 1,
      timestamp: new Date(first!.timestamp),
    });
    expect(byId.get(second!.prediction_id)).toMatchObject({
      class: null,
      prediction: second!.prediction,
      label: null,
      label_value: second!.prediction,
    });
    expect(
      await run('export', data, `--raw=${ndjson}`, '--raw.model=churn', `--raw.from=${NOW - 60_000 - 999 * 5_000}`),
    ).toMatchObject({ code: 0 });
    const lines = gunzipSync(readFileSync(ndjson)).toString().trimEnd().split('\n');
    expect(lines).toHaveLength(500);
    expect(JSON.parse(lines[0]!)).toMatchObject({ model: 'churn', segment: { channel: 'app' } });
    expect(existsSync(`${parquet}.partial`)).toBe(false);
  }, 120_000);

  test('without a database there is nothing to export, and none is made', async () => {
    const nowhere = path.join(folder, 'nowhere');
    expect(await run('export', `--data.path=${nowhere}`, `--output=${path.join(folder, 'x.gz')}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no database under'),
    });
    expect(existsSync(nowhere)).toBe(false);
  });
});
