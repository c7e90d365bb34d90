import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { classifyAddress } from './address-class.ts';
import { createOutbound, OutboundError } from './outbound.ts';
import type { OutboundRequest, Target } from './outbound.ts';

describe('classifyAddress', () => {
  test.each([
    ['a public address', '8.8.8.8', 'public'],
    ['a public IPv6 address', '2606:4700::1111', 'public'],
    ['RFC 1918', '10.1.2.3', 'private'],
    ['RFC 1918', '172.31.255.255', 'private'],
    ['just outside of it', '172.32.0.1', 'public'],
    ['loopback', '127.8.8.8', 'private'],
    ['IPv6 loopback', '::1', 'private'],
    ['unique local', 'fd12::1', 'private'],
    ['carrier-grade NAT', '100.64.0.1', 'private'],
    ['the metadata service', '169.254.169.254', 'never'],
    ['in IPv6 clothes', '::ffff:169.254.169.254', 'never'],
    ['in hexadecimal ones', '::ffff:a9fe:a9fe', 'never'],
    ['in old ones', '::169.254.169.254', 'never'],
    ['through NAT64', '64:ff9b::a9fe:a9fe', 'never'],
    ['through NAT64 of a network of its own', '64:ff9b:1::a9fe:a9fe', 'never'],
    ['through SIIT', '::ffff:0:a9fe:a9fe', 'never'],
    ['through 6to4', '2002:a9fe:a9fe::1', 'never'],
    ['through Teredo', '2001:0:a9fe:a9fe::1', 'never'],
    ["AWS's by IPv6", 'fd00:ec2::254', 'never'],
    ["Google's by IPv6", 'fd20:ce::254', 'never'],
    ["Oracle's by IPv6", 'fd00:c1::a9fe:a9fe', 'never'],
    ["Oracle's old one", '192.0.0.192', 'never'],
    ["Azure's", '168.63.129.16', 'never'],
    ["Alibaba's", '100.100.100.200', 'never'],
    ['a private one in IPv6 clothes', '::ffff:10.0.0.1', 'private'],
    ['link-local', 'fe80::1', 'never'],
    ['link-local with a zone', 'fe80::1%eth0', 'never'],
    ['unspecified', '0.0.0.0', 'never'],
    ['unspecified', '::', 'never'],
    ['this network', '0.1.2.3', 'never'],
    ['multicast', '224.0.0.1', 'never'],
    ['broadcast', '255.255.255.255', 'never'],
    ['reserved', '240.0.0.1', 'never'],
    ['benchmarking', '198.18.0.1', 'never'],
    ['documentation', '2001:db8::1', 'never'],
    ['site-local', 'fec0::1', 'never'],
    ['no address', 'example.org', 'never'],
    ['nothing', '', 'never'],
  ])('%s %s', (_name, address, expected) => {
    expect(classifyAddress(address)).toBe(expected);
  });
});

describe('calls', () => {
  let server: http.Server;
  const seen: { method?: string | undefined; url?: string | undefined; host?: string | undefined; body: string }[] = [];

  beforeAll(async () => {
    server = http.createServer((request, response) => {
      let body = '';
      request.on('data', (piece) => (body += String(piece)));
      request.on('end', () => {
        seen.push({ method: request.method, url: request.url, host: request.headers.host, body });
        if (request.url === '/redirect')
          response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
        else if (request.url === '/large') response.end('x'.repeat(2_000_000));
        else if (request.url !== '/silent') response.writeHead(202, { 'x-said': 'so' }).end('{"external_id":"7"}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const targets: Target[] = [];
  /** No packet leaves the machine: whatever is connected to is the server of this test. */
  function outbound(addresses: readonly string[] | readonly (readonly string[])[], timeoutMs = 5_000) {
    targets.length = 0;
    let asked = 0;
    return createOutbound({
      resolve: () => {
        const now = addresses[Math.min(asked++, addresses.length - 1)];
        return Promise.resolve(typeof now === 'string' ? (addresses as readonly string[]) : (now ?? []));
      },
      connect: (target) => {
        targets.push(target);
        return net.connect((server.address() as AddressInfo).port, '127.0.0.1');
      },
      timeoutMs,
    });
  }

  function asking(url: string, more: Partial<OutboundRequest> = {}): OutboundRequest {
    return {
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json' },
      body: '{}',
      allowedHosts: ['trainer.example'],
      allowPrivateAddresses: false,
      signal: new AbortController().signal,
      ...more,
    };
  }

  test('reach the address that was checked, under the name of the URL', async () => {
    const reply = await outbound(['203.0.114.5'])(asking('http://trainer.example:8080/retrain?x=1'));
    expect(reply).toMatchObject({ status: 202, headers: { 'x-said': 'so' }, body: '{"external_id":"7"}' });
    expect(targets).toEqual([{ address: '203.0.114.5', port: 8080, tlsName: null }]);
    expect(seen.at(-1)).toEqual({ method: 'POST', url: '/retrain?x=1', host: 'trainer.example:8080', body: '{}' });
  });

  test('https connects with the name for its certificate', async () => {
    await outbound(['203.0.114.5'])(asking('https://trainer.example/retrain'));
    expect(targets).toEqual([{ address: '203.0.114.5', port: 443, tlsName: 'trainer.example' }]);
  });

  test('a name that changes after it was checked has no effect: it is resolved once', async () => {
    await outbound([['203.0.114.5'], ['169.254.169.254']])(asking('http://trainer.example/'));
    expect(targets.map(({ address }) => address)).toEqual(['203.0.114.5']);
  });

  test('a redirect is an answer, and nothing is called for it', async () => {
    const reply = await outbound(['203.0.114.5'])(asking('http://trainer.example/redirect'));
    expect(reply.status).toBe(302);
    expect(targets).toHaveLength(1);
  });

  test.each<readonly [string, string, readonly string[], Partial<OutboundRequest>]>([
    ['a host that is not allowed', 'http://evil.example/', ['203.0.114.5'], {}],
    ['a name that ends like an allowed one', 'http://not-trainer.example/', ['203.0.114.5'], {}],
    ['a user that looks like an allowed host', 'http://trainer.example@evil.example/', ['203.0.114.5'], {}],
    ['a private address', 'http://trainer.example/', ['10.0.0.1'], {}],
    ['one private address among public ones', 'http://trainer.example/', ['203.0.114.5', '127.0.0.1'], {}],
    [
      'the metadata address, even where private ones are allowed',
      'http://trainer.example/',
      ['169.254.169.254'],
      { allowPrivateAddresses: true },
    ],
    [
      'the metadata address that was allowed by mistake',
      'http://169.254.169.254/',
      [],
      { allowedHosts: ['169.254.169.254'], allowPrivateAddresses: true },
    ],
    [
      'the same in decimal',
      'http://2852039166/',
      [],
      { allowedHosts: ['169.254.169.254'], allowPrivateAddresses: true },
    ],
    [
      'the same in octal',
      'http://0251.0376.0251.0376/',
      [],
      { allowedHosts: ['169.254.169.254'], allowPrivateAddresses: true },
    ],
    [
      'the same in hexadecimal',
      'http://0xA9FEA9FE/',
      [],
      { allowedHosts: ['169.254.169.254'], allowPrivateAddresses: true },
    ],
    [
      'the same in three parts',
      'http://169.254.43518/',
      [],
      { allowedHosts: ['169.254.169.254'], allowPrivateAddresses: true },
    ],
    [
      'the same in IPv6',
      'http://[::ffff:169.254.169.254]/',
      [],
      { allowedHosts: ['[::ffff:a9fe:a9fe]'], allowPrivateAddresses: true },
    ],
    ['another protocol', 'file:///etc/passwd', [], {}],
  ])('refused before anything is connected: %s', async (_name, url, addresses, more) => {
    await expect(outbound(addresses)(asking(url, more))).rejects.toMatchObject({ code: 'refused' });
    expect(targets).toEqual([]);
  });

  test('private addresses where they are allowed', async () => {
    await outbound(['10.0.0.1'])(asking('http://trainer.example/', { allowPrivateAddresses: true }));
    expect(targets.map(({ address }) => address)).toEqual(['10.0.0.1']);
  });

  test.each([
    ['no answer in time', '/silent', /aborted|time/i],
    ['an answer without end', '/large', /more than/],
  ])('unreachable: %s', async (_name, path, message) => {
    const call = outbound(['203.0.114.5'], path === '/silent' ? 300 : 5_000)(asking(`http://trainer.example${path}`));
    await expect(call).rejects.toBeInstanceOf(OutboundError);
    await expect(call).rejects.toMatchObject({ code: 'unreachable', message: expect.stringMatching(message) });
  });

  test('unreachable: a name that cannot be resolved', async () => {
    const call = createOutbound({
      resolve: () => Promise.reject(new Error('ENOTFOUND')),
      connect: () => net.connect(1),
      timeoutMs: 1,
    });
    await expect(call(asking('http://trainer.example/'))).rejects.toMatchObject({ code: 'unreachable' });
  });
});
