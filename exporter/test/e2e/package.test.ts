import { expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { temporaryFolder } from '../support/test-server.ts';

const ROOT = path.resolve(__dirname, '..', '..', '..');
const run = promisify(execFile);

test('npm pack, installed in an empty folder, runs by npx', async () => {
  const folder = temporaryFolder();
  try {
    await run('npm', ['pack', '--workspace', 'model-health-exporter', '--pack-destination', folder], { cwd: ROOT });
    const [tarball] = readdirSync(folder);
    const empty = path.join(folder, 'empty');
    mkdirSync(empty);
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', path.join('..', tarball!)], {
      cwd: empty,
    });
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'exporter', 'package.json'), 'utf8')) as {
      version: string;
    };
    expect((await run('npx', ['--no-install', 'model-health-exporter', '--version'], { cwd: empty })).stdout).toContain(
      version,
    );

    const installed = path.join(empty, 'node_modules', 'model-health-exporter');
    expect(existsSync(path.join(installed, 'client', 'python', 'model_monitor.py'))).toBe(true);
    const child = spawn(
      process.execPath,
      [
        path.join(installed, 'dist', 'src', 'main.js'),
        '--web.listen-address=127.0.0.1:0',
        `--data.path=${path.join(folder, 'data')}`,
      ],
      { cwd: empty, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH ?? '' } },
    );
    const address = await new Promise<string>((resolve, reject) => {
      let log = '';
      child.stderr.on('data', (piece: Buffer) => (log += piece.toString()));
      child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${log}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const found = /(http:\/\/\S+)\/api\/ml\/predictions/.exec(line)?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    const body = JSON.stringify({ model: 'packed', prediction: 'yes' });
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(`${address}/api/ml/predictions`, { method: 'POST', headers, body });
    expect(await reply.json()).toMatchObject({ accepted: 1 });
    // Which commit it is of is known to the package, too, where the repository is one.
    const revision = readFileSync(path.join(ROOT, 'exporter', 'dist', 'src', 'revision'), 'utf8');
    expect(await (await fetch(`${address}/metrics`)).text()).toContain(
      `ml_exporter_build_info{version="${version}",revision="${revision}"} 1`,
    );
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 600_000);

test('the Dockerfile copies what there is, runs as nobody in particular, and has a health check', () => {
  const lines = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ').split('\n');
  const copied = lines.flatMap((line) => /^COPY (?!--from)(.+) \S+$/.exec(line)?.[1]?.split(' ') ?? []);
  expect(copied.length).toBeGreaterThan(5);
  expect(copied.filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
  expect(lines.find((line) => line.startsWith('USER '))).toBe('USER 10001:10001');
  expect(lines.some((line) => line.startsWith('HEALTHCHECK ') && line.includes('/-/healthy'))).toBe(true);
  const entry = JSON.parse(/^ENTRYPOINT (.+)$/m.exec(lines.join('\n'))![1]!) as string[];
  const main = path.relative('/app/node_modules/model-health-exporter', entry[1]!);
  const { bin } = JSON.parse(readFileSync(path.join(ROOT, 'exporter', 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  expect(Object.values(bin)).toEqual([main]);
});
