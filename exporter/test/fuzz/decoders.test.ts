import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readArrow } from '../../src/baseline/readers/arrow.ts';
import { readColumnMap } from '../../src/baseline/readers/column-roles.ts';
import { readCsv } from '../../src/baseline/readers/csv.ts';
import { readNdjson } from '../../src/baseline/readers/ndjson.ts';
import { readParquet } from '../../src/baseline/readers/parquet.ts';
import { loadConfig, secretsFrom } from '../../src/config/load-config.ts';
import { parseCommandLine } from '../../src/config/flags.ts';
import { ServiceError } from '../../src/domain/service-error.ts';
import { decodeBucket } from '../../src/histogram/bucket-codec.ts';
import { applyDelta } from '../../src/histogram/delta-codec.ts';
import { decodeAzureMl } from '../../src/intake/formats/azureml.ts';
import type { ForeignOptions } from '../../src/intake/formats/foreign-events.ts';
import { decodeJsonEvents } from '../../src/intake/formats/json-events.ts';
import { decodeKserve } from '../../src/intake/formats/kserve.ts';
import { decodeJsonLabels, toGroundTruth } from '../../src/intake/formats/labels.ts';
import { decodeNdjson } from '../../src/intake/formats/ndjson.ts';
import { decodeOtlpLogs } from '../../src/intake/formats/otlp-logs.ts';
import { toPrediction } from '../../src/intake/formats/prediction-event.ts';
import { decodeRowsUnderHeader } from '../../src/intake/formats/rows-under-header.ts';
import { decodeSageMaker } from '../../src/intake/formats/sagemaker.ts';
import { decodeSeldon } from '../../src/intake/formats/seldon.ts';
import { body, CASES, headerText } from './generated.ts';
import { Measured } from './measured.ts';

const OPTIONS: ForeignOptions = { model: 'm', version: null, features: null, classes: null, output: 'prediction' };
const HEADERS = {
  'ce-specversion': '1.0',
  'ce-id': 'i',
  'ce-type': 'org.kubeflow.serving.inference.request',
  'ce-source': 's',
  'ce-inferenceservicename': 'm',
  'ce-requestid': 'r',
  'ce-modelid': 'm',
  'ce-time': '2026-11-26T10:00:00Z',
};
const TYPES = [
  'org.kubeflow.serving.inference.request',
  'org.kubeflow.serving.inference.response',
  'io.seldon.serving.inference.request',
  'io.seldon.serving.inference.response',
  'io.seldon.serving.feedback',
];

/** A refusal that the caller is told of is an answer; anything else is a fault of ours. */
function answered(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'invalid') throw error;
  }
}

const decoders: Readonly<Record<string, (bytes: Buffer, type: string) => unknown>> = {
  'JSON events': (bytes) => decodeJsonEvents(bytes),
  'NDJSON events': (bytes) => decodeNdjson(bytes, toPrediction),
  'rows under a header': (bytes) => decodeRowsUnderHeader(bytes),
  'JSON labels': (bytes) => decodeJsonLabels(bytes),
  'NDJSON labels': (bytes) => decodeNdjson(bytes, toGroundTruth),
  KServe: (bytes, type) => decodeKserve({ ...HEADERS, 'ce-type': type }, bytes, OPTIONS),
  Seldon: (bytes, type) => decodeSeldon({ ...HEADERS, 'ce-type': type }, bytes, OPTIONS),
  SageMaker: (bytes) => decodeSageMaker(bytes, OPTIONS),
  'Azure ML': (bytes) => decodeAzureMl(bytes, OPTIONS),
  'OTLP as protobuf': (bytes) => decodeOtlpLogs(bytes, 'protobuf'),
  'OTLP as JSON': (bytes) => decodeOtlpLogs(bytes, 'json'),
};

describe('decoders refuse what they cannot read, and nothing else happens', () => {
  test.each(Object.entries(decoders))(
    '%s',
    (name, decode) => {
      const measured = new Measured(name, CASES);
      fc.assert(
        fc.property(body, fc.constantFrom(...TYPES), (bytes, type) =>
          measured.runNow(() => answered(() => decode(bytes, type))),
        ),
        { numRuns: CASES },
      );
      measured.end();
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      expect(Object.keys(Object.prototype)).toEqual([]);
    },
    3_600_000,
  );
});

describe('readers of baselines', () => {
  const readers = { csv: readCsv, NDJSON: readNdjson, Parquet: readParquet, Arrow: readArrow };
  /** Binary formats begin with what makes them go on reading. */
  const heads: Readonly<Record<string, readonly Buffer[]>> = {
    Parquet: [Buffer.from('PAR1')],
    Arrow: [Buffer.from('ffffffff10000000', 'hex'), Buffer.from('ARROW1\0\0')],
  };
  test.each(Object.entries(readers))(
    '%s',
    async (name, read) => {
      const head = fc.constantFrom(Buffer.alloc(0), ...(heads[name] ?? []));
      const measured = new Measured(name, CASES);
      await fc.assert(
        fc.asyncProperty(head, body, headerText, (start, bytes, map) =>
          measured.run(async () => {
            let roles = readColumnMap('');
            answered(() => (roles = readColumnMap(map)));
            const tail = name === 'Parquet' && start.length > 0 ? Buffer.from('PAR1') : Buffer.alloc(0);
            try {
              for await (const _row of read(Readable.from([start, bytes, tail]), roles));
            } catch (error) {
              if (!(error instanceof ServiceError) || error.code !== 'invalid') throw error;
            }
          }),
        ),
        { numRuns: CASES },
      );
      measured.end();
    },
    3_600_000,
  );
});

test('stored payloads that are not whole are a RangeError, never silence or a hang', () => {
  const sink = { predictions: () => null, performance: () => undefined, unmatched: () => undefined };
  const measured = new Measured('stored payloads', CASES);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
      measured.runNow(() => {
        for (const read of [
          () => applyDelta(bytes, { ...sink, segments: () => null } as never),
          () => decodeBucket(bytes),
        ]) {
          try {
            read();
          } catch (error) {
            if (!(error instanceof RangeError)) throw error;
          }
        }
      }),
    ),
    { numRuns: CASES },
  );
  measured.end();
}, 3_600_000);

test('configuration and command line: every text is settings or a list of mistakes', () => {
  const measured = new Measured('configuration and command line', CASES);
  fc.assert(
    fc.property(body, fc.array(headerText, { maxLength: 4 }), (bytes, words) =>
      measured.runNow(() => {
        const loaded = loadConfig(bytes.toString('utf8'), 'fuzz.yml', secretsFrom({}));
        expect(loaded.ok || loaded.errors.length > 0).toBe(true);
        expect(parseCommandLine(words, {})).toHaveProperty('kind');
      }),
    ),
    { numRuns: CASES },
  );
  measured.end();
}, 3_600_000);
