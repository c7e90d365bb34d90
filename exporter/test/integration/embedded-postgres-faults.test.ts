import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { lockDataPath } from '../../src/storage/embedded/data-path-lock.ts';
import { processState } from '../../src/storage/embedded/process-state.ts';
import { resolveDatabase } from '../../src/storage/embedded/resolve-database.ts';
import { createPool, ping } from '../../src/storage/pool.ts';
import { spawnDatabaseProcess, startDatabaseProcess } from '../support/database-process.ts';
import { recordingLog, silentLog } from '../support/silent-log.ts';
import { startOwnServer, temporaryFolder } from '../support/test-server.ts';
import { watchdog } from '../support/watchdog.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A data path whose PostgreSQL is gone, with its folder, at the end. */
function newDataPath(): string {
  const dataPath = temporaryFolder();
  const guard = watchdog(dataPath);
  cleanups.push(() => guard.end());
  return dataPath;
}

function newPool(url: string): Pool {
  const pool = createPool(url, { max: 4, applicationName: 'faults', log: silentLog });
  cleanups.push(() => pool.end());
  return pool;
}

async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 90_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('did not happen in time');
    await sleep(10);
  }
}

describe('PostgreSQL is killed', () => {
  test('with -9, in the middle of inserts: it is restarted on the same socket and has every acknowledged row', async () => {
    const server = await startOwnServer();
    cleanups.push(() => server.stop());
    const pool = newPool(server.url);
    await pool.query('CREATE TABLE t (id int)');
    const ends: string[] = [];
    server.database.onExit((reason) => ends.push(reason));
    const killed = server.database.pid()!;
    let acknowledged = 0;
    const inserting = (async () => {
      for (let id = 1; ; id += 1) {
        await pool.query('INSERT INTO t VALUES ($1)', [id]);
        acknowledged = id;
      }
    })();
    const broken = expect(inserting).rejects.toThrow();
    await until(() => acknowledged > 50);
    process.kill(killed, 'SIGKILL');
    await broken;
    await until(async () => (await ping(pool)).ok && server.database.pid() !== killed);
    const { rows } = await pool.query('SELECT count(*)::int AS n FROM t');
    expect(rows[0].n).toBeGreaterThanOrEqual(acknowledged);
    expect(ends).toEqual(['signal SIGKILL']);
  });

  test('three times: each time it comes back', async () => {
    const server = await startOwnServer();
    cleanups.push(() => server.stop());
    const pool = newPool(server.url);
    for (let round = 0; round < 3; round += 1) {
      const killed = server.database.pid()!;
      process.kill(killed, 'SIGKILL');
      await until(async () => server.database.pid() !== killed && (await ping(pool)).ok);
    }
    expect(await ping(pool)).toEqual({ ok: true, latencyMs: expect.any(Number) });
  });

  test('a stop right after it leaves nothing running', async () => {
    const server = await startOwnServer();
    cleanups.push(() => server.stop());
    process.kill(server.database.pid()!, 'SIGKILL');
    await sleep(60);
    await server.database.stop();
    await until(() => processState(server.database.pid()!) === 'gone');
    const lines = readFileSync(path.join(server.dataPath, 'postgres.log'), 'utf8').trim().split('\n');
    expect(lines.at(-1)).not.toMatch(/ready to accept/);
  });
});

describe('the exporter is killed', () => {
  test('with -9: PostgreSQL goes on, the next exporter adopts it, and a kill of the adopted one is healed', async () => {
    const dataPath = newDataPath();
    const first = await startDatabaseProcess({ dataPath });
    await first.end('SIGKILL');
    expect(processState(first.said.postmaster)).toBe('alive');
    const { log, lines } = recordingLog();
    const second = await resolveDatabase({ dataPath, log });
    cleanups.push(() => second.stop());
    expect(second.pid()).toBe(first.said.postmaster);
    expect(second.url).toBe(first.said.url);
    expect(lines.map(({ message }) => message)).toContainEqual(expect.stringContaining('adopted'));
    const pool = newPool(second.url);
    process.kill(second.pid()!, 'SIGKILL');
    await until(async () => second.pid() !== first.said.postmaster && (await ping(pool)).ok);
  });

  test('an adopted PostgreSQL is stopped like any other', async () => {
    const dataPath = newDataPath();
    const first = await startDatabaseProcess({ dataPath });
    await first.end('SIGKILL');
    const second = await resolveDatabase({ dataPath, log: silentLog });
    await second.stop();
    expect(processState(first.said.postmaster)).not.toBe('alive');
  });

  test('with a SIGTERM: it stops PostgreSQL', async () => {
    const dataPath = newDataPath();
    const only = await startDatabaseProcess({ dataPath });
    await only.end('SIGTERM');
    expect(processState(only.said.postmaster)).not.toBe('alive');
    expect(readdirSync(dataPath)).not.toContain('exporter.lock');
  });

  test.each([250, 400, 550])(
    '%d ms after its first start, likely in initdb: the next one starts cleanly',
    async (afterMs) => {
      const dataPath = newDataPath();
      const child = spawnDatabaseProcess({ dataPath });
      await sleep(afterMs);
      child.kill('SIGKILL');
      const database = await resolveDatabase({ dataPath, log: silentLog });
      cleanups.push(() => database.stop());
      expect(await ping(newPool(database.url))).toMatchObject({ ok: true });
      expect(readdirSync(dataPath).filter((name) => name.startsWith('pgdata'))).toEqual(['pgdata']);
    },
  );

  test('what an interrupted initdb left is removed', async () => {
    const dataPath = newDataPath();
    mkdirSync(path.join(dataPath, 'pgdata.new-abc123', 'base'), { recursive: true });
    writeFileSync(path.join(dataPath, 'pgdata.new-abc123', 'PG_VERSION'), '18\n');
    const database = await resolveDatabase({ dataPath, log: silentLog });
    cleanups.push(() => database.stop());
    expect(readdirSync(dataPath).filter((name) => name.startsWith('pgdata'))).toEqual(['pgdata']);
  });
});

describe('two exporters', () => {
  test('on one data path: the second is refused and told whose it is; the first goes on', async () => {
    const dataPath = newDataPath();
    const first = await startDatabaseProcess({ dataPath });
    await expect(resolveDatabase({ dataPath, log: silentLog })).rejects.toMatchObject({
      code: 'DATA_PATH_IN_USE',
      message: expect.stringContaining(`process id ${first.pid}:`),
    });
    expect(await ping(newPool(first.said.url))).toMatchObject({ ok: true });
    await first.end('SIGTERM');
  });

  test('a lock whose process id went to another process is nobody’s', async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, 'exporter.lock'), `${process.ppid}\nanother boot 12345\n`);
    const lock = await lockDataPath(folder);
    expect(readFileSync(path.join(folder, 'exporter.lock'), 'utf8')).toMatch(new RegExp(`^${process.pid}\n`));
    await expect(lockDataPath(folder, 50)).rejects.toMatchObject({ code: 'DATA_PATH_IN_USE' });
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['empty', ''],
    ['half written', '12'],
    ['not of ours', 'garbage\n'],
  ])('a lock that is %s is nobody’s', async (_name, text) => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, 'exporter.lock'), text);
    (await lockDataPath(folder)).release();
    rmSync(folder, { recursive: true });
  });
});

describe('a stale process id file', () => {
  async function stoppedDataPath(): Promise<string> {
    const dataPath = newDataPath();
    const database = await resolveDatabase({ dataPath, log: silentLog });
    await database.stop();
    return dataPath;
  }

  /** What a machine that lost its power leaves, with the pid in somebody else's hands. */
  function leavePid(dataPath: string, pid: number): void {
    const file = path.join(dataPath, 'pgdata', 'postmaster.pid');
    writeFileSync(
      file,
      `${pid}\n${path.join(dataPath, 'pgdata')}\n1700000000\n5432\n${path.join(dataPath, 'run')}\n\n  1234567    123456\nready   \n`,
    );
    writeFileSync(
      path.join(dataPath, 'run', '.s.PGSQL.5432.lock'),
      `${pid}\n${path.join(dataPath, 'pgdata')}\n1700000000\n5432\n${path.join(dataPath, 'run')}\n\n`,
    );
  }

  test('of a process that is gone', async () => {
    const dataPath = await stoppedDataPath();
    const gone = spawn('true');
    await new Promise((resolve) => gone.on('exit', resolve));
    leavePid(dataPath, gone.pid!);
    const database = await resolveDatabase({ dataPath, log: silentLog });
    expect(database.pid()).not.toBe(gone.pid);
    await database.stop();
  });

  test('of a process id that another program has now', async () => {
    const dataPath = await stoppedDataPath();
    const { uid, gid } =
      process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : { uid: process.getuid!(), gid: process.getgid!() };
    const other = spawn('sleep', ['60'], { uid, gid });
    leavePid(dataPath, other.pid!);
    const { log, lines } = recordingLog();
    const database = await resolveDatabase({ dataPath, log });
    expect(lines.map(({ message }) => message)).toContainEqual(expect.stringContaining('stale'));
    await database.stop();
    expect(processState(other.pid!)).toBe('alive');
    other.kill();
  });

  test('of a zombie that nobody collects', async () => {
    const dataPath = await stoppedDataPath();
    // The shell becomes a sleep, which never waits for the child that the shell had.
    const parent = spawn('sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 60']);
    const zombie = await new Promise<number>((resolve) =>
      parent.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
    );
    await until(() => processState(zombie) === 'zombie');
    leavePid(dataPath, zombie);
    const database = await resolveDatabase({ dataPath, log: silentLog });
    expect(await ping(newPool(database.url))).toMatchObject({ ok: true });
    cleanups.push(() => database.stop());
    parent.kill();
  });
});
