// Every format of the field, in the shape and the batches of its sender, each request answered after its commit. Target: 5,000 KServe
// events a second of one core of the exporter. Against: the same predictions in our own format, one a request and a hundred. A second of
// CPU is that of the exporter alone; PostgreSQL and the sender have theirs beside it.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { OTLP_LOGS_REQUEST } from '../src/intake/formats/otlp-logs.ts';
import { post, startExporter } from './support/running-exporter.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 6);
/** Until Node has compiled what it runs most. */
const WARM_UP_SECONDS = 3;
const CONNECTIONS = 32;
const FEATURES = 20;
const BATCH = 100;
const JOINED_WITHIN_MS = 60_000;
const NAMES = Array.from({ length: FEATURES }, (_, i) => `feature_${i}`);
const JSON_HEADERS = { 'content-type': 'application/json' };

interface Request {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}
interface Format {
  readonly name: string;
  readonly address: string;
  /** Events of one request, and predictions of all requests that `make` returns. */
  readonly events: number;
  readonly predictions: number;
  readonly make: () => readonly Request[];
}

const values = () => NAMES.map(() => Math.round(Math.random() * 1e4) / 100);
const named = () => Object.fromEntries(values().map((value, i) => [NAMES[i]!, value]));
const answer = () => (Math.random() < 0.5 ? 'yes' : 'no');
const json = (body: unknown) => Buffer.from(JSON.stringify(body));
const lines = (rows: readonly unknown[]) => Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
const many = <T>(make: (i: number) => T) => Array.from({ length: BATCH }, (_, i) => make(i));
const seconds = (atMs: number) => new Date(atMs).toISOString();

/** Request and response as CloudEvents in binary mode. */
function cloudEvents(
  types: readonly [string, string],
  idHeader: string,
  more: Readonly<Record<string, string>>,
  bodies: readonly [unknown, unknown],
): readonly Request[] {
  const id = randomUUID();
  const now = Date.now();
  return bodies.map((body, i) => {
    const time = seconds(now - 20 + 15 * i);
    const headers = {
      ...JSON_HEADERS,
      'ce-specversion': '1.0',
      'ce-id': randomUUID(),
      'ce-type': types[i]!,
      'ce-source': 'http://localhost:9081/',
      'ce-time': time,
      'ce-recordedtime': time,
      'ce-namespace': 'bench',
      ...more,
      [idHeader]: id,
    };
    return { headers, body: json(body) };
  });
}

const KSERVE = ['org.kubeflow.serving.inference.request', 'org.kubeflow.serving.inference.response'] as const;
const SELDON = ['io.seldon.serving.inference.request', 'io.seldon.serving.inference.response'] as const;

const FORMATS: readonly Format[] = [
  {
    name: 'KServe V1',
    address: '/api/ml/intake/kserve',
    events: 1,
    predictions: 1,
    make: () =>
      cloudEvents(KSERVE, 'ce-id', { 'ce-inferenceservicename': 'kserve-v1', 'ce-endpoint': '' }, [
        { instances: [values()] },
        { predictions: [answer()] },
      ]),
  },
  {
    name: 'KServe V2',
    address: '/api/ml/intake/kserve',
    events: 1,
    predictions: 1,
    make: () =>
      cloudEvents(KSERVE, 'ce-id', { 'ce-inferenceservicename': 'kserve-v2', 'ce-endpoint': '' }, [
        { id: '1', inputs: NAMES.map((name, i) => ({ name, shape: [1], datatype: 'FP64', data: [values()[i]] })) },
        {
          model_name: 'm',
          model_version: '1',
          id: '1',
          outputs: [{ name: 'class', shape: [1], datatype: 'BYTES', data: [answer()] }],
        },
      ]),
  },
  {
    name: 'Seldon Core v1',
    address: '/api/ml/intake/seldon',
    events: 1,
    predictions: 1,
    make: () =>
      cloudEvents(SELDON, 'ce-requestid', { 'ce-inferenceservicename': 'seldon', 'ce-modelid': 'seldon' }, [
        { data: { names: NAMES, ndarray: [values()] }, meta: {} },
        { data: { names: ['no', 'yes'], ndarray: [[0.4, 0.6]] }, meta: {} },
      ]),
  },
  {
    name: `SageMaker, ${BATCH} lines a file`,
    address: '/api/ml/intake/sagemaker?model=sagemaker&output=score',
    events: BATCH,
    predictions: BATCH,
    make: () => [
      {
        headers: {},
        body: lines(
          many(() => ({
            captureData: {
              endpointInput: {
                observedContentType: 'text/csv',
                mode: 'INPUT',
                data: values().join(','),
                encoding: 'CSV',
              },
              endpointOutput: {
                observedContentType: 'text/csv',
                mode: 'OUTPUT',
                data: String(Math.random()),
                encoding: 'CSV',
              },
            },
            eventMetadata: { eventId: randomUUID(), inferenceTime: seconds(Date.now()) },
            eventVersion: '0',
          })),
        ),
      },
    ],
  },
  {
    name: `Azure ML, ${BATCH} pairs a file`,
    address: '/api/ml/intake/azureml',
    events: 2 * BATCH,
    predictions: BATCH,
    make: () => [
      {
        headers: {},
        body: lines(
          many(() => {
            const of = {
              specversion: '1.0',
              source: '/subscriptions/s/onlineEndpoints/azure/deployments/main',
              datacontenttype: 'application/json',
              time: seconds(Date.now()),
              correlationid: randomUUID(),
            };
            return [
              { ...of, id: randomUUID(), type: 'azureml.inference.model_inputs', data: [named()] },
              { ...of, id: randomUUID(), type: 'azureml.inference.model_outputs', data: [{ class: answer() }] },
            ];
          }).flat(),
        ),
      },
    ],
  },
  ...(['protobuf', 'json'] as const).map((encoding): Format => ({
    name: `BentoML by OTLP (${encoding}), ${BATCH} records`,
    address: '/v1/logs',
    events: BATCH,
    predictions: BATCH,
    make: () => [otlp(encoding)],
  })),
  {
    name: 'our own, one a request',
    address: '/api/ml/predictions',
    events: 1,
    predictions: 1,
    make: () => [{ headers: JSON_HEADERS, body: json(ours()) }],
  },
  {
    name: `our own, ${BATCH} a request`,
    address: '/api/ml/predictions',
    events: BATCH,
    predictions: BATCH,
    make: () => [{ headers: JSON_HEADERS, body: json(many(ours)) }],
  },
];

function ours(): unknown {
  return {
    model: 'ours',
    prediction_id: randomUUID(),
    timestamp: seconds(Date.now()),
    features: named(),
    prediction: answer(),
    latency_ms: 15,
  };
}

const ROLES = {
  kvlistValue: {
    values: [...NAMES, 'class'].map((column) => ({
      key: column,
      value: {
        kvlistValue: {
          values: [
            { key: 'name', value: { stringValue: column } },
            { key: 'role', value: { stringValue: column === 'class' ? 'prediction' : 'feature' } },
            { key: 'type', value: { stringValue: column === 'class' ? 'categorical' : 'numerical' } },
          ],
        },
      },
    })),
  },
};

/** An export of the batch processor; the first record tells what the columns are. */
function otlp(encoding: 'protobuf' | 'json'): Request {
  const logRecords = many((i) => ({
    timeUnixNano: `${Date.now()}${String(Math.floor(Math.random() * 1e6)).padStart(6, '0')}`,
    body: {
      kvlistValue: {
        values: [
          ...values().map((doubleValue, at) => ({ key: NAMES[at]!, value: { doubleValue } })),
          { key: 'class', value: { stringValue: answer() } },
          { key: 'timestamp', value: { doubleValue: Date.now() / 1_000 } },
          { key: 'request_id', value: { stringValue: randomUUID() } },
          ...(i === 0
            ? [{ key: 'bento_meta', value: { kvlistValue: { values: [{ key: 'schema', value: ROLES }] } } }]
            : []),
        ],
      },
    },
  }));
  const attributes = [{ key: 'service.name', value: { stringValue: `bento:${encoding}` } }];
  const request = { resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords }] }] };
  return encoding === 'json'
    ? { headers: JSON_HEADERS, body: json(request) }
    : {
        headers: { 'content-type': 'application/x-protobuf' },
        body: Buffer.from(OTLP_LOGS_REQUEST.encode(OTLP_LOGS_REQUEST.fromObject(request)).finish()),
      };
}

async function exposed(url: URL, series: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', url))).text();
  const line = text.split('\n').find((one) => one.startsWith(series));
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ')));
}
const stored = (url: URL) => exposed(url, 'ml_exporter_ingest_records_total{kind="prediction"}');
const cpu = (url: URL) => exposed(url, 'process_cpu_seconds_total');

interface Figures {
  readonly eventsPerSecond: number;
  readonly eventsPerCpuSecond: number;
  readonly predictionsPerCpuSecond: number;
  readonly lagMs: number;
}

async function load(
  url: URL,
  { name, address, events, predictions, make }: Format,
  forSeconds: number,
): Promise<Figures> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const [before, cpuBefore, began] = [await stored(url), await cpu(url), performance.now()];
  let [sent, expected] = [0, 0];
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (performance.now() - began < forSeconds * 1_000) {
        for (const { headers, body } of make()) {
          const status = await post(url, agent, address, headers, body);
          if (status !== 200) throw new Error(`${name}: the exporter answered ${status}`);
          sent += events;
        }
        expected += predictions;
      }
    }),
  );
  const ended = performance.now();
  agent.destroy();
  // Halves are put together a moment after they were acknowledged: that is their cost, too.
  while ((await stored(url)) - before < expected) {
    if (performance.now() - ended > JOINED_WITHIN_MS) throw new Error(`${name}: predictions are missing`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const lagMs = performance.now() - ended;
  const spent = (await cpu(url)) - cpuBefore;
  return {
    eventsPerSecond: sent / ((ended - began) / 1_000),
    eventsPerCpuSecond: sent / spent,
    predictionsPerCpuSecond: expected / spent,
    lagMs,
  };
}

const whole = (value: number) => Math.round(value).toLocaleString('en');
const line = (cells: readonly string[]) =>
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(38) : cell.padStart(20))).join(''));
const wanted = process.env.BENCH_FORMAT ?? '';
line(['', 'events/s', 'events/CPU s', 'predictions/CPU s', 'all stored after']);
for (const format of FORMATS.filter(({ name }) => name.includes(wanted))) {
  // One after another on a database of its own: none pays for what another left.
  const exporter = await startExporter();
  try {
    await load(exporter.url, format, WARM_UP_SECONDS);
    const { eventsPerSecond, eventsPerCpuSecond, predictionsPerCpuSecond, lagMs } = await load(
      exporter.url,
      format,
      SECONDS,
    );
    line([
      format.name,
      whole(eventsPerSecond),
      whole(eventsPerCpuSecond),
      whole(predictionsPerCpuSecond),
      `${lagMs.toFixed(0)} ms`,
    ]);
  } finally {
    await exporter.stop();
  }
}
