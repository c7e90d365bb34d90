import protobuf from 'protobufjs/light.js';
import { unreadable } from './foreign-events.ts';
import { isObject, parseJson } from './parse-json.ts';

/** One log record with what its resource says of the sender. */
export interface LogRecord {
  readonly service: string;
  readonly instance: string | null;
  /** Nanoseconds since the epoch, as text: a double cannot hold them. */
  readonly timeUnixNano: string;
  /** Plain JSON value. */
  readonly body: unknown;
}

// opentelemetry/proto/collector/logs/v1, as far as a record is read. Fields that are not named here are passed over.
const field = (type: string, id: number) => ({ type, id });
const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id });
const SCHEMA = protobuf.Root.fromJSON({
  nested: {
    ExportLogsServiceRequest: { fields: { resourceLogs: repeated('ResourceLogs', 1) } },
    ResourceLogs: { fields: { resource: field('Resource', 1), scopeLogs: repeated('ScopeLogs', 2) } },
    Resource: { fields: { attributes: repeated('KeyValue', 1) } },
    ScopeLogs: { fields: { logRecords: repeated('LogRecord', 2) } },
    LogRecord: {
      fields: {
        timeUnixNano: field('fixed64', 1),
        body: field('AnyValue', 5),
        observedTimeUnixNano: field('fixed64', 11),
      },
    },
    AnyValue: {
      oneofs: {
        value: {
          oneof: ['stringValue', 'boolValue', 'intValue', 'doubleValue', 'arrayValue', 'kvlistValue', 'bytesValue'],
        },
      },
      fields: {
        stringValue: field('string', 1),
        boolValue: field('bool', 2),
        intValue: field('int64', 3),
        doubleValue: field('double', 4),
        arrayValue: field('ArrayValue', 5),
        kvlistValue: field('KeyValueList', 6),
        bytesValue: field('bytes', 7),
      },
    },
    ArrayValue: { fields: { values: repeated('AnyValue', 1) } },
    KeyValueList: { fields: { values: repeated('KeyValue', 1) } },
    KeyValue: { fields: { key: field('string', 1), value: field('AnyValue', 2) } },
    ExportLogsServiceResponse: { fields: { partialSuccess: field('ExportLogsPartialSuccess', 1) } },
    ExportLogsPartialSuccess: { fields: { rejectedLogRecords: field('int64', 1), errorMessage: field('string', 2) } },
  },
});
export const OTLP_LOGS_REQUEST = SCHEMA.lookupType('ExportLogsServiceRequest');
const RESPONSE = SCHEMA.lookupType('ExportLogsServiceResponse');

type Tree = Readonly<Record<string, unknown>>;

/** The body of POST /v1/logs: OTLP 1.x over HTTP, as protobuf or as JSON. Throws ServiceError invalid. */
export function decodeOtlpLogs(body: Buffer, encoding: 'protobuf' | 'json'): readonly LogRecord[] {
  const request = encoding === 'json' ? parseJson(body.toString('utf8')) : protobufTree(body);
  if (!isObject(request)) throw unreadable('it must be an ExportLogsServiceRequest');
  return listOf(request.resourceLogs).flatMap((resourceLogs) => {
    const { resource, scopeLogs } = resourceLogs;
    const attributes = isObject(resource) ? objectOf(resource.attributes) : {};
    const { 'service.name': service, 'service.instance.id': instance } = attributes;
    return listOf(scopeLogs)
      .flatMap(({ logRecords }) => listOf(logRecords))
      .map((record) => ({
        service: typeof service === 'string' ? service : '',
        instance: typeof instance === 'string' ? instance : null,
        timeUnixNano: timeOf(record),
        body: valueOf(record.body),
      }));
  });
}

/** The answer: which records were refused is not said in OTLP, only how many and why. */
export function encodeOtlpReply(encoding: 'protobuf' | 'json', rejected: number, message: string): Buffer | string {
  const reply = rejected === 0 ? {} : { partialSuccess: { rejectedLogRecords: rejected, errorMessage: message } };
  return encoding === 'json'
    ? JSON.stringify(reply)
    : Buffer.from(RESPONSE.encode(RESPONSE.fromObject(reply)).finish());
}

function protobufTree(body: Buffer): Tree {
  try {
    return OTLP_LOGS_REQUEST.toObject(OTLP_LOGS_REQUEST.decode(body), { longs: String });
  } catch {
    throw unreadable('it is not the protobuf of an ExportLogsServiceRequest');
  }
}

function timeOf({ timeUnixNano, observedTimeUnixNano }: Tree): string {
  const [time = '0'] = [timeUnixNano, observedTimeUnixNano].map(String).filter((one) => /^[1-9]\d*$/.test(one));
  return time;
}

function listOf(value: unknown): readonly Tree[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function objectOf(entries: unknown): Tree {
  const object: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const { key, value } of listOf(entries)) if (typeof key === 'string') object[key] = valueOf(value);
  return object;
}

/** An AnyValue as the value that it is; null for none, and for bytes, which are no feature. */
function valueOf(value: unknown): unknown {
  if (!isObject(value)) return null;
  if (typeof value.stringValue === 'string' || typeof value.boolValue === 'boolean')
    return value.stringValue ?? value.boolValue;
  // In JSON 64-bit integers are text, and doubles that JSON has not are, too.
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.doubleValue !== undefined) return finite(Number(value.doubleValue));
  if (isObject(value.arrayValue)) return listOf(value.arrayValue.values).map(valueOf);
  return isObject(value.kvlistValue) ? objectOf(value.kvlistValue.values) : null;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
