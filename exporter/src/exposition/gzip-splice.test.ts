import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { execFile, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { spliceGzip, TextSection } from './gzip-splice.ts';

const texts = [
  '# HELP a é\n',
  '',
  ...Array.from({ length: 40 }, (_, i) => `a{n="${i}"} ${Math.sqrt(i)}\n`.repeat(1 + i * 20)),
];
const plain = texts.join('');
const sections = texts.map((text) => new TextSection(text));

describe('spliceGzip', () => {
  test('is one member that unpacks to the texts in order', async () => {
    const gzip = await spliceGzip(sections);
    expect(gunzipSync(gzip).toString()).toBe(plain);
    // Were there a second member, its header would follow the trailer of the first.
    expect(gzip.indexOf(Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff), 1)).toBe(-1);
  });

  test('splices any texts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary', maxLength: 50 })), async (parts) => {
        const gzip = await spliceGzip(parts.map((part) => new TextSection(part)));
        expect(gunzipSync(gzip).toString()).toBe(Buffer.from(parts.join('')).toString());
      }),
    );
  });

  test('a section of several texts, asked for as bytes before, after or never', async () => {
    const long = 'b{x="é"} 2\n'.repeat(30_000);
    const made = [new TextSection('a 1\n', long, '', 'c 3\n'), new TextSection('d 4\n', 'e 5\n'), new TextSection()];
    const whole = `a 1\n${long}c 3\nd 4\ne 5\n`;
    const before = made[1]!.bytes.toString();
    expect(gunzipSync(await spliceGzip(made)).toString()).toBe(whole);
    expect(before).toBe('d 4\ne 5\n');
    expect(Buffer.concat(made.map(({ bytes }) => bytes)).toString()).toBe(whole);
    expect(made.map(({ length }) => length)).toEqual(made.map(({ bytes }) => bytes.length));
  });

  test('deflates a section once', async () => {
    const section = new TextSection('a 1\n'.repeat(100));
    expect(section.isDeflated).toBe(false);
    await spliceGzip([section]);
    expect(section.isDeflated).toBe(true);
    expect(section.deflated()).toBe(section.deflated());
  });

  test('lets others have a turn while it deflates much', async () => {
    const many = Array.from({ length: 60 }, (_, i) => new TextSection(`a${i} 1\n`.repeat(20_000)));
    let turns = 0;
    const count = setInterval(() => turns++, 0);
    const gzip = await spliceGzip(many);
    clearInterval(count);
    expect(turns).toBeGreaterThan(0);
    expect(gunzipSync(gzip).length).toBe(many.reduce((sum, { bytes }) => sum + bytes.length, 0));
  });
});

describe('other readers', () => {
  const server = createServer((_request, response) => {
    void spliceGzip(sections).then((body) => response.setHeader('content-encoding', 'gzip').end(body));
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const curl = available('curl') ? test : test.skip;
  curl('curl --compressed reads all of it', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { stdout } = await promisify(execFile)('curl', ['--silent', '--compressed', url], { maxBuffer: 2 ** 26 });
    expect(stdout).toBe(plain);
  });

  const python = available('python3') ? test : test.skip;
  python('Python reads all of it', async () => {
    const input = await spliceGzip(sections);
    const script = 'import gzip, sys; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))';
    const { stdout } = spawnSync('python3', ['-c', script], { input, maxBuffer: 2 ** 26 });
    expect(stdout.toString()).toBe(plain);
  });
});

function available(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}
