import { describe, expect, test } from '@jest/globals';
import { readSecrets, signWebhook, verifyWebhook } from './webhook-signature.ts';

/** The vector of the Standard Webhooks libraries. */
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const SECONDS = 1_614_265_330;
const BODY = Buffer.from('{"test": 2432232314}');
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const OTHER = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

const secrets = readSecrets(SECRET);
const headers = { 'webhook-id': ID, 'webhook-timestamp': String(SECONDS), 'webhook-signature': SIGNATURE };

test('signs as the vector of the specification', () => {
  expect(signWebhook(secrets, ID, SECONDS, BODY)).toEqual(headers);
});

describe('verifyWebhook', () => {
  test.each([
    ['the vector', {}, BODY, SECONDS, 'valid'],
    ['five minutes late', {}, BODY, SECONDS + 300, 'valid'],
    ['later', {}, BODY, SECONDS + 301, 'stale'],
    ['from the future', {}, BODY, SECONDS - 301, 'stale'],
    ['another body', {}, Buffer.from('{"test": 2432232315}'), SECONDS, 'forged'],
    ['the same JSON in other bytes', {}, Buffer.from('{"test":2432232314}'), SECONDS, 'forged'],
    ['another id', { 'webhook-id': 'msg_other' }, BODY, SECONDS, 'forged'],
    ['another time', { 'webhook-timestamp': String(SECONDS + 1) }, BODY, SECONDS, 'forged'],
    [
      'one good signature among others',
      { 'webhook-signature': `v1,${'A'.repeat(43)}= v2,abc ${SIGNATURE}` },
      BODY,
      SECONDS,
      'valid',
    ],
    ['a signature of another version', { 'webhook-signature': SIGNATURE.replace('v1', 'v2') }, BODY, SECONDS, 'forged'],
    ['a signature that is none', { 'webhook-signature': 'v1,' }, BODY, SECONDS, 'forged'],
    ['a time that is none', { 'webhook-timestamp': 'now' }, BODY, SECONDS, 'missing'],
    ['no id', { 'webhook-id': '' }, BODY, SECONDS, 'missing'],
    ['no signature', { 'webhook-signature': undefined }, BODY, SECONDS, 'missing'],
  ] as const)('%s', (_name, changed, body, now, expected) => {
    expect(verifyWebhook(secrets, { ...headers, ...changed }, body, now)).toBe(expected);
  });

  test('while a secret is replaced: both sign, either verifies', () => {
    const both = readSecrets(`${OTHER}\n${SECRET}\n`);
    const signed = { ...signWebhook(both, ID, SECONDS, BODY) };
    expect(verifyWebhook(secrets, signed, BODY, SECONDS)).toBe('valid');
    expect(verifyWebhook(readSecrets(OTHER), signed, BODY, SECONDS)).toBe('valid');
    expect(verifyWebhook(both, headers, BODY, SECONDS)).toBe('valid');
  });
});

test.each([
  ['nothing', ''],
  ['too short a secret', 'whsec_c2hvcnQ='],
  ['one short secret among good ones', `${SECRET}\nwhsec_c2hvcnQ=`],
])('readSecrets refuses %s, without showing it', (_name, text) => {
  expect(() => readSecrets(text)).toThrow(/secret/);
  expect(() => readSecrets(text)).not.toThrow(/c2hvcnQ/);
});
