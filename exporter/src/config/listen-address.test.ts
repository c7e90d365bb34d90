import { describe, expect, test } from '@jest/globals';

import { formatListenAddress, isLoopback, parseListenAddress } from './listen-address.ts';

describe('parseListenAddress', () => {
  test.each([
    ['127.0.0.1:9477', { host: '127.0.0.1', port: 9477 }, true],
    ['127.8.8.8:1', { host: '127.8.8.8', port: 1 }, true],
    ['localhost:0', { host: 'localhost', port: 0 }, true],
    ['[::1]:9477', { host: '::1', port: 9477 }, true],
    [':9477', { host: '', port: 9477 }, false],
    ['0.0.0.0:9477', { host: '0.0.0.0', port: 9477 }, false],
    ['[::]:9477', { host: '::', port: 9477 }, false],
    ['[2001:db8::1]:80', { host: '2001:db8::1', port: 80 }, false],
    ['models.example.org:65535', { host: 'models.example.org', port: 65_535 }, false],
    ['127.example.org:80', { host: '127.example.org', port: 80 }, false],
  ])('%s', (text, expected, loopback) => {
    const address = parseListenAddress(text);
    expect(address).toEqual(expected);
    expect(isLoopback(expected)).toBe(loopback);
    expect(formatListenAddress(expected)).toBe(text);
  });

  test.each([
    ['empty', ''],
    ['port alone', '9477'],
    ['no port', 'localhost'],
    ['empty port', 'localhost:'],
    ['port beyond 65535', 'localhost:65536'],
    ['bare IPv6', '::1:9477'],
    ['brackets round a name', '[localhost]:9477'],
    ['broken IPv4', '127.0.0:9477'],
    ['IPv4 beyond 255', '127.0.0.256:9477'],
    ['scheme', 'http://localhost:9477'],
    ['space', 'local host:9477'],
  ])('refuses %s', (_name, text) => {
    expect(parseListenAddress(text)).toBeUndefined();
  });
});
