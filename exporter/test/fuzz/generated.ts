import fc from 'fast-check';

/** A bounded number in the ordinary run, 100,000 by `npm run chaos -- fuzz`. */
export const CASES = Number(process.env.FUZZ_CASES ?? 200);

/** What breaks parsers, stores and expositions. */
const HOSTILE = [
  '',
  '\0',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '"} 1\nml_forged_total{x="',
  '\\',
  "'; DROP TABLE predictions; --",
  '${jndi:ldap://x}',
  '../../etc/passwd',
  '<script>alert(1)</script>',
  '\ud800',
  '\u202e',
  '\ufeff',
  'x'.repeat(5_000),
  '1e999',
  '-0',
  'NaN',
];
export const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom(...HOSTILE));
const number = fc.oneof(fc.double(), fc.constantFrom(0, -0, 1e308, -1e308, 5e-324, 2 ** 53, -1, 1e21), fc.integer());
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const object = (value: fc.Arbitrary<unknown>) =>
  fc.array(fc.tuple(text, value), { maxLength: 6 }).map((entries) => Object.fromEntries(entries));
export const anything = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, scalar, fc.array(tie('value'), { maxLength: 5 }), object(tie('value'))),
})).value;

/** Mostly right. */
const mostly = (right: fc.Arbitrary<unknown>, weight = 12) =>
  fc.oneof({ weight, arbitrary: right }, { weight: 1, arbitrary: anything });

/** An event that is right but for what is wrong with it. */
export const predictionEvent = fc.record(
  {
    model: mostly(fc.constantFrom('m', 'n'), 30),
    version: mostly(fc.constantFrom('1', '2', '')),
    prediction_id: mostly(fc.oneof(fc.uuid(), fc.constantFrom('a', 'b'), text)),
    timestamp: mostly(fc.oneof(fc.constant(Date.now()), fc.constant(new Date().toISOString()))),
    features: mostly(object(scalar)),
    prediction: mostly(scalar),
    score: mostly(fc.double({ min: 0, max: 1, noNaN: true })),
    scores: mostly(fc.constant(null)),
    latency_ms: mostly(fc.double({ min: 0, max: 1e6, noNaN: true })),
    error: mostly(fc.oneof(fc.constant(null), text)),
    segment: mostly(object(text)),
  },
  { requiredKeys: ['model'] },
);
export const labelEvent = fc.record(
  {
    model: mostly(fc.constantFrom('m', 'n')),
    prediction_id: mostly(fc.constantFrom('a', 'b')),
    label: mostly(scalar),
    timestamp: anything,
  },
  { requiredKeys: [] },
);

/** Lone surrogates become `\udXXX` escapes, as another language's encoder might send them. */
const json = (value: unknown) => Buffer.from(JSON.stringify(value), 'utf8');

/** Bodies from pure noise to nearly right: whole, cut off, with a byte changed. */
export const body: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      anything.map(json),
      fc.array(predictionEvent, { maxLength: 4 }).map(json),
      fc
        .array(fc.oneof(predictionEvent, labelEvent), { maxLength: 4 })
        .map((events) => Buffer.from(events.map((event) => JSON.stringify(event)).join('\n'))),
      fc
        .record({ model: anything, version: anything, columns: fc.array(anything), rows: fc.array(anything) })
        .map(json),
      fc
        .record(
          { instances: anything, predictions: anything, inputs: anything, outputs: anything },
          { requiredKeys: [] },
        )
        .map(json),
    ),
    fc.option(fc.nat(), { freq: 4 }),
    fc.option(fc.tuple(fc.nat(), fc.nat(255)), { freq: 4 }),
  )
  .map(([bytes, cut, change]) => {
    const made = Buffer.from(cut === null || bytes.length === 0 ? bytes : bytes.subarray(0, cut % bytes.length));
    if (change !== null && made.length > 0) made[change[0] % made.length] = change[1];
    return made;
  });

export const headerText = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'abcXYZ019 ;=/,.+*-_'.split('')), maxLength: 30 }),
  fc.constantFrom('application/json', 'application/x-ndjson', 'text/csv', 'gzip', 'identity', 'br', '*/*', ''),
);
