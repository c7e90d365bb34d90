import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import { Catalog } from '../../src/storage/catalog.ts';
import { createPool } from '../../src/storage/pool.ts';
import { eventually, metric, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { Load } from '../support/load.ts';
import { compareWhenCounted } from '../support/recount.ts';
import { silentLog } from '../support/silent-log.ts';
import { startOwnServer, temporaryFolder } from '../support/test-server.ts';
import type { OwnServer } from '../support/test-server.ts';

const FAST = [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`];

describe('three exporters on one PostgreSQL', () => {
  let server: OwnServer;
  let folder: string;
  let replicas: ExporterProcess[];
  beforeEach(async () => {
    server = await startOwnServer();
    folder = temporaryFolder();
    replicas = await Promise.all([0, 1, 2].map(() => start()));
  });
  afterEach(async () => {
    await Promise.all(replicas.map((replica) => replica.kill('SIGKILL')));
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = () => startExporter({ dataPath: folder, flags: FAST, environment: { DATABASE_URL: server.url } });

  async function exposition(replica: ExporterProcess): Promise<string> {
    return (await fetch(`${replica.baseUrl}/metrics`)).text();
  }

  /** Series of models, which only one may show. */
  const modelSeries = (text: string) =>
    text.split('\n').filter((line) => /^ml_/.test(line) && !/^ml_exporter_[a-rt-z]/.test(line));

  async function leaderOf(among: readonly ExporterProcess[]): Promise<ExporterProcess> {
    const leaders = [];
    for (const replica of among) if ((await fetch(`${replica.baseUrl}/-/leader`)).status === 200) leaders.push(replica);
    expect(leaders).toHaveLength(1);
    return leaders[0]!;
  }

  test('only the holder shows the models; after kill -9 another does, and no count is lost or falls', async () => {
    const loads = replicas.map(({ baseUrl }) => new Load(baseUrl, 1, 20));
    const leader = await eventually(() => leaderOf(replicas));
    await eventually(async () => expect(await metric(leader.baseUrl, 'ml_predictions_total')).toBeGreaterThan(100));
    const others = replicas.filter((replica) => replica !== leader);
    for (const other of others) {
      expect(modelSeries(await exposition(other))).toEqual([]);
      expect(await metric(other.baseUrl, 'ml_exporter_leader')).toBe(0);
      expect((await fetch(`${other.baseUrl}/-/ready`)).status).toBe(200);
      expect((await fetch(`${other.baseUrl}/api/ml/health`)).status).toBe(503);
      const { models } = (await (await fetch(`${other.baseUrl}/api/ml/models`)).json()) as { models: unknown[] };
      expect(models.length).toBeGreaterThan(0);
    }
    expect(await metric(leader.baseUrl, 'ml_exporter_leader')).toBe(1);

    const before = await metric(leader.baseUrl, 'ml_predictions_total');
    await leader.kill('SIGKILL');
    const killedAt = Date.now();
    const successor = await eventually(() => leaderOf(others));
    const first = await eventually(async () => {
      const count = await metric(successor.baseUrl, 'ml_predictions_total');
      expect(count).toBeGreaterThanOrEqual(before);
      return count;
    });
    process.stdout.write(`failover: ${((Date.now() - killedAt) / 1000).toFixed(1)} s, ${before} -> ${first} counted\n`);

    // The third must not have shown anything meanwhile, nor now.
    const third = others.find((replica) => replica !== successor)!;
    expect(modelSeries(await exposition(third))).toEqual([]);
    // What was sent to the one that is dead goes to another, as behind a load balancer.
    for (const load of loads) if (load.baseUrl === leader.baseUrl) load.baseUrl = third.baseUrl;
    await Promise.all(loads.map((load) => load.progress(100)));
    for (const load of loads) await eventually(() => load.finish());

    const sent = new Set(loads.flatMap((load) => load.acknowledged.map((event) => event.prediction_id))).size;
    const pool = createPool(server.url, { max: 2, applicationName: 'test', log: silentLog });
    try {
      const { rows } = await pool.query<{ n: string; ids: string }>(
        'SELECT count(*) AS n, count(DISTINCT pid) AS ids FROM predictions',
      );
      expect([Number(rows[0]!.n), Number(rows[0]!.ids)]).toEqual([sent, sent]);
      const catalog = new Catalog(pool, () => DEFAULT_SETTINGS, { now: () => Date.now() });
      await catalog.load();
      const compared = await compareWhenCounted(pool, catalog, Date.now() - 6 * 3_600_000);
      expect(compared.differences).toEqual([]);
      expect(compared.counted).toBe(sent);
    } finally {
      await pool.end();
    }
    await eventually(async () => expect(await metric(successor.baseUrl, 'ml_predictions_total')).toBe(sent));
  });

  test('a holder that was stopped for longer than its lease shows nothing when it wakes', async () => {
    const load = new Load(replicas[0]!.baseUrl, 1, 20);
    const leader = await eventually(() => leaderOf(replicas));
    load.baseUrl = replicas.find((replica) => replica !== leader)!.baseUrl;
    await eventually(async () => expect(await metric(leader.baseUrl, 'ml_predictions_total')).toBeGreaterThan(20));
    process.kill(leader.pid, 'SIGSTOP');
    const others = replicas.filter((replica) => replica !== leader);
    const successor = await eventually(() => leaderOf(others));
    await eventually(async () => expect(await metric(successor.baseUrl, 'ml_predictions_total')).toBeGreaterThan(20));
    process.kill(leader.pid, 'SIGCONT');
    expect(modelSeries(await exposition(leader))).toEqual([]);
    await eventually(async () => expect(await leaderOf(replicas)).toBe(successor));
    await eventually(() => load.finish());
  });

  test('SIGTERM of the holder hands over at once', async () => {
    const leader = await eventually(() => leaderOf(replicas));
    expect(await leader.kill('SIGTERM')).toBe(0);
    await eventually(() => leaderOf(replicas.filter((replica) => replica !== leader)));
  });
});
