import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { readArrow } from '../../src/baseline/readers/arrow.ts';
import { readColumnMap } from '../../src/baseline/readers/column-roles.ts';
import { readCsv } from '../../src/baseline/readers/csv.ts';
import { readParquet } from '../../src/baseline/readers/parquet.ts';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import { ServiceError } from '../../src/domain/service-error.ts';
import { StatisticsMemory } from '../../src/evaluation/statistics-memory.ts';
import { decodeBucket } from '../../src/histogram/bucket-codec.ts';
import { decodeJsonEvents } from '../../src/intake/formats/json-events.ts';
import { decodeNdjson } from '../../src/intake/formats/ndjson.ts';
import { decodeOtlpLogs } from '../../src/intake/formats/otlp-logs.ts';
import { toPrediction } from '../../src/intake/formats/prediction-event.ts';
import { decodeRowsUnderHeader } from '../../src/intake/formats/rows-under-header.ts';
import { labelDelta, predictionDelta, unmatchedDelta } from '../support/deltas.ts';
import { makeEvents } from '../support/load.ts';
import { testTarget } from '../support/model-target.ts';
import { Random } from '../support/random.ts';
import { coverageGuided } from './coverage-guided.ts';
import { CASES } from './generated.ts';
import { Measured } from './measured.ts';

const FIXTURES = path.resolve(__dirname, '..', 'fixtures');
const files = (folder: string, ending: RegExp) =>
  readdirSync(path.join(FIXTURES, folder))
    .filter((name) => ending.test(name))
    .map((name) => readFileSync(path.join(FIXTURES, folder, name)));

/** Reads a whole reference; what is not one is refused as such. */
async function rowsOf(read: typeof readCsv, input: Buffer): Promise<void> {
  for await (const _row of read(Readable.from([input]), readColumnMap('')));
}

const target = testTarget();
const NOW = Date.UTC(2026, 10, 26, 12, 30);
const deltas = [
  predictionDelta(target, [NOW]),
  predictionDelta(target, Array<number>(200).fill(NOW), 'app'),
  labelDelta(target, NOW, 3),
  unmatchedDelta(1, 2),
];
const newMemory = () =>
  new StatisticsMemory({
    current: () => target,
    // The evaluator fetches those that it does not know.
    loadedScheme: () => target.scheme,
    settingsOf: () => DEFAULT_SETTINGS.defaults,
    positiveClass: () => 1,
  });
const buckets = (() => {
  const memory = newMemory();
  deltas.forEach((payload, id) => memory.apply({ id, recount: false, payload }));
  return memory.beginFold().buckets.map(({ bytes }) => bytes);
})();

const events = makeEvents(2);
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const columns = ['prediction_id', 'timestamp', 'age', 'prediction', 'score', 'latency_ms'];

interface Target {
  readonly seeds: readonly Buffer[];
  readonly run: (input: Buffer) => unknown;
  /** What it may throw: a refusal that the caller is told of, or of what we stored ourselves a RangeError. */
  readonly refusal?: (error: unknown) => boolean;
}
const isRefusal = (error: unknown) => error instanceof ServiceError && error.code === 'invalid';
const isRangeError = (error: unknown) => error instanceof RangeError;

const TARGETS: Readonly<Record<string, Target>> = {
  Parquet: { seeds: files('tables', /\.parquet$/), run: (input) => rowsOf(readParquet, input) },
  Arrow: { seeds: files('tables', /\.arrows?$/), run: (input) => rowsOf(readArrow, input) },
  CSV: { seeds: [Buffer.from('a,b,prediction\n1,"x ""y""",yes\n2,,no\n')], run: (input) => rowsOf(readCsv, input) },
  'OTLP as protobuf': { seeds: files('senders', /otlp-logs\.bin$/), run: (input) => decodeOtlpLogs(input, 'protobuf') },
  'OTLP as JSON': { seeds: files('senders', /otlp-logs\.json$/), run: (input) => decodeOtlpLogs(input, 'json') },
  'JSON events': { seeds: [json(events), json(events[0])], run: (input) => decodeJsonEvents(input) },
  'NDJSON events': {
    seeds: [Buffer.from(events.map((event) => JSON.stringify(event)).join('\n'))],
    run: (input) => decodeNdjson(input, toPrediction),
  },
  'rows under a header': {
    seeds: [json({ model: 'm', version: '1', columns, rows: [['a', NOW, 3, 'yes', 0.5, 1]] })],
    run: (input) => decodeRowsUnderHeader(input),
  },
  'stored deltas': {
    seeds: deltas,
    run: (payload) => newMemory().apply({ id: 1, recount: false, payload }),
    refusal: isRangeError,
  },
  'stored buckets': { seeds: buckets, run: (input) => decodeBucket(input), refusal: isRangeError },
};

test.each(Object.entries(TARGETS))(
  '%s, guided by what it reaches',
  async (name, { seeds, run, refusal = isRefusal }) => {
    const random = new Random(7);
    const measured = new Measured(`${name}, guided`, CASES);
    const kept = await coverageGuided(
      seeds,
      CASES,
      (n) => Math.floor(random.uniform() * n),
      (input) =>
        measured.run(async () => {
          try {
            await run(input);
          } catch (error) {
            if (refusal(error)) return;
            throw new Error(`${name} of ${input.toString('base64')}`, { cause: error });
          }
        }),
    );
    measured.end();
    if (CASES >= 10_000) process.stdout.write(`  ${name}: ${kept - seeds.length} inputs reached something new\n`);
    expect(kept).toBeGreaterThanOrEqual(seeds.length);
  },
  3_600_000,
);
