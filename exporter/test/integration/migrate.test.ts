import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { migrate } from '../../src/storage/migrate.ts';
import { createPool } from '../../src/storage/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { createEmptyDatabase } from '../support/database.ts';
import { silentLog } from '../support/silent-log.ts';

let database: TestDatabase;
let pool: Pool;
let folder: string;

beforeEach(async () => {
  database = await createEmptyDatabase();
  pool = createPool(database.url, { max: 8, applicationName: 'migrate', log: silentLog });
  folder = mkdtempSync(path.join(os.tmpdir(), 'mh-migrations-'));
});

afterEach(async () => {
  await pool.end();
  await database.drop();
  rmSync(folder, { recursive: true });
});

function write(name: string, sql: string): void {
  writeFileSync(path.join(folder, name), sql);
}

async function tables(): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

describe('migrate', () => {
  test('applies the files in the order of their numbers, and only once', async () => {
    write('0002_b.sql', 'ALTER TABLE a ADD COLUMN n int;');
    write('0001_a.sql', 'CREATE TABLE a (id int);\nCREATE TABLE c (id int);\n');
    expect(await migrate(pool, folder)).toEqual({ applied: ['0001_a', '0002_b'], current: '0002_b' });
    expect(await migrate(pool, folder)).toEqual({ applied: [], current: '0002_b' });
    write('0003_c.sql', 'DROP TABLE c');
    expect(await migrate(pool, folder)).toEqual({ applied: ['0003_c'], current: '0003_c' });
    expect(await tables()).toEqual(['a', 'schema_migrations']);
  });

  test('an empty folder is no error', async () => {
    expect(await migrate(pool, folder)).toEqual({ applied: [], current: '' });
  });

  test('other files of the folder are not migrations', async () => {
    write('README.md', 'about');
    mkdirSync(path.join(folder, 'old'));
    expect((await migrate(pool, folder)).applied).toEqual([]);
  });

  test('ten migrators at once apply each file once', async () => {
    for (let i = 1; i <= 5; i += 1) write(`000${i}_t.sql`, `CREATE TABLE t${i} (id int); SELECT pg_sleep(0.02);`);
    const reports = await Promise.all(Array.from({ length: 10 }, () => migrate(pool, folder)));
    expect(reports.flatMap(({ applied }) => applied).sort()).toEqual([
      '0001_t',
      '0002_t',
      '0003_t',
      '0004_t',
      '0005_t',
    ]);
    expect(new Set(reports.map(({ current }) => current))).toEqual(new Set(['0005_t']));
  });

  test('a file that fails leaves nothing of itself, and names its line; those before it stay', async () => {
    write('0001_a.sql', 'CREATE TABLE a (id int);');
    write('0002_b.sql', 'CREATE TABLE b (id int);\nCREATE TABLE broken (\n  id nosuchtype);');
    await expect(migrate(pool, folder)).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/0002_b.*nosuchtype.*line 3/),
    });
    expect(await tables()).toEqual(['a', 'schema_migrations']);
    write('0002_b.sql', 'CREATE TABLE b (id int);');
    expect((await migrate(pool, folder)).applied).toEqual(['0002_b']);
  });

  test('an applied file that was changed is an error', async () => {
    write('0001_a.sql', 'CREATE TABLE a (id int);');
    await migrate(pool, folder);
    write('0001_a.sql', 'CREATE TABLE a (id bigint);');
    await expect(migrate(pool, folder)).rejects.toMatchObject({
      code: 'MIGRATION_CHANGED',
      message: expect.stringContaining('0001_a'),
    });
  });

  test('line ends as a checkout on Windows has them are no change', async () => {
    write('0001_a.sql', 'CREATE TABLE a (\n  id int\n);\n');
    await migrate(pool, folder);
    write('0001_a.sql', 'CREATE TABLE a (\r\n  id int\r\n);\r\n');
    expect((await migrate(pool, folder)).applied).toEqual([]);
  });

  test('a database newer than the code is an error that names both', async () => {
    write('0001_a.sql', 'SELECT 1');
    write('0002_b.sql', 'SELECT 1');
    await migrate(pool, folder);
    rmSync(path.join(folder, '0002_b.sql'));
    await expect(migrate(pool, folder)).rejects.toMatchObject({
      code: 'MIGRATION_DATABASE_NEWER',
      message: expect.stringMatching(/0002_b.*0001_a/),
    });
  });

  test('a file with a number below an applied one is an error', async () => {
    write('0001_a.sql', 'SELECT 1');
    write('0003_c.sql', 'SELECT 1');
    await migrate(pool, folder);
    write('0002_b.sql', 'SELECT 1');
    await expect(migrate(pool, folder)).rejects.toMatchObject({
      code: 'MIGRATION_OUT_OF_ORDER',
      message: expect.stringContaining('0002_b'),
    });
  });

  test.each([
    ['no number', ['a.sql']],
    ['a number of three digits', ['001_a.sql']],
    ['a number twice', ['0001_a.sql', '0001_b.sql']],
  ])('a folder with %s is an error', async (_name, files) => {
    for (const file of files) write(file, 'SELECT 1');
    await expect(migrate(pool, folder)).rejects.toMatchObject({ code: 'MIGRATION_FOLDER_INVALID' });
  });

  test('a folder that does not exist is an error', async () => {
    await expect(migrate(pool, path.join(folder, 'none'))).rejects.toMatchObject({ code: 'MIGRATION_FOLDER_INVALID' });
  });

  test('a file that commits by itself is refused', async () => {
    write('0001_a.sql', 'CREATE TABLE a (id int);\nCOMMIT;');
    await expect(migrate(pool, folder)).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('leave out BEGIN'),
    });
  });

  test('a statement may take longer than the service allows its own', async () => {
    const hurried = createPool(database.url, {
      max: 1,
      applicationName: 'hurried',
      log: silentLog,
      statementTimeoutMs: 50,
    });
    write('0001_a.sql', 'SELECT pg_sleep(0.2)');
    await migrate(hurried, folder).finally(() => hurried.end());
    expect((await migrate(pool, folder)).applied).toEqual([]);
  });
});
