import type { RawGroundTruth, RawPrediction } from '../../domain/prediction.ts';
import type { RowOutcome } from '../../domain/prediction-half.ts';
import type { RowError } from '../../domain/row-error.ts';
import type { ForeignEvents, ForeignOptions } from './foreign-events.ts';
import type { LogRecord } from './otlp-logs.ts';
import { isObject } from './parse-json.ts';
import { parsePythonLiteral } from './python-literal.ts';
import { outcomeOf } from './row-outcome.ts';

/** What a monitor's columns are for. */
export type ColumnRoles = Readonly<Record<string, { readonly role: string; readonly type: string }>>;

/** The last roles that each sender told; records between them come without. */
export interface KnownRoles {
  get(sender: string): ColumnRoles | undefined;
}

export interface BentoEvents extends ForeignEvents {
  /** Roles that this request told, and that were not known yet. */
  readonly learnt: ReadonlyMap<string, ColumnRoles>;
  /** Whether a record was refused because nobody told its roles. */
  readonly unknownSender: boolean;
}

const OWN_COLUMNS: ReadonlySet<string> = new Set(['timestamp', 'request_id', 'trace_id', 'bento_meta']);
/** Requests whose records may still come in another export. */
const REMEMBERED_REQUESTS = 10_000;

/**
 * Records of BentoML's monitoring (1.0 to 1.4) as predictions: columns by their role, `target` as ground truth. A request that logged
 * several rows has one `request_id`: the first row keeps it, later ones are `<id>_<i>` in order of their times, which is remembered for
 * the last 10,000 requests, so that a retry or a second export gives the same ids.
 */
export function bentoDecoder(): (
  records: readonly LogRecord[],
  known: KnownRoles,
  options: ForeignOptions,
) => BentoEvents {
  const rowsOf = new Map<string, string[]>();
  const positionOf = (request: string, time: string): number => {
    const times = rowsOf.get(request) ?? [];
    // Most recently used last.
    rowsOf.delete(request);
    rowsOf.set(request, times);
    if (rowsOf.size > REMEMBERED_REQUESTS) rowsOf.delete(rowsOf.keys().next().value!);
    const position = times.indexOf(time);
    return position < 0 ? times.push(time) - 1 : position;
  };
  return (records, known, options) => {
    const learnt = new Map<string, ColumnRoles>();
    const predictions: RawPrediction[] = [];
    const labels: RawGroundTruth[] = [];
    const errors: RowError[] = [];
    let unknownSender = false;
    for (const [index, record] of records.entries()) {
      const body = bodyOf(record.body);
      if (body === null) {
        errors.push({ index, pointer: '/body', detail: 'the body must be a map of columns' });
        continue;
      }
      const meta = isObject(body.bento_meta) ? body.bento_meta : {};
      const told = rolesOf(meta.schema);
      if (told !== null && JSON.stringify(told) !== JSON.stringify(known.get(record.service)))
        learnt.set(record.service, told);
      const roles = told ?? learnt.get(record.service) ?? known.get(record.service);
      if (roles === undefined) {
        unknownSender = true;
        errors.push({ index, pointer: '/bento_meta', detail: 'no record of this monitor told its columns yet' });
        continue;
      }
      const request = typeof body.request_id === 'string' && body.request_id !== 'None' ? body.request_id : null;
      const position = request === null ? 0 : positionOf(`${record.service} ${request}`, record.timeUnixNano);
      const id =
        request === null
          ? `${record.service}/${record.timeUnixNano}`
          : position === 0
            ? request
            : `${request}_${position}`;
      const row = toRow(body, roles, options);
      const model = options.model ?? record.service;
      const version = options.version ?? versionOf(meta.bento_version, record.instance);
      predictions.push({
        index,
        model,
        version,
        predictionId: id,
        timestamp: typeof body.timestamp === 'number' ? body.timestamp * 1000 : Number(record.timeUnixNano) / 1e6,
        features: { kind: 'object', value: row.features },
        ...OPEN,
        ...row.outcome,
      });
      if (row.target !== undefined)
        labels.push({ index, model, predictionId: id, label: row.target, timestamp: undefined, unknownKeys: [] });
    }
    return { halves: [], predictions, labels, errors, learnt, unknownSender };
  };
}

const OPEN = {
  prediction: undefined,
  score: undefined,
  scores: undefined,
  latencyMs: undefined,
  error: undefined,
  segment: undefined,
  unknownKeys: [],
} as const;

function toRow(
  body: Readonly<Record<string, unknown>>,
  roles: ColumnRoles,
  options: ForeignOptions,
): { readonly features: Readonly<Record<string, unknown>>; readonly outcome: RowOutcome; readonly target: unknown } {
  const features: Record<string, unknown> = {};
  const answers: Record<string, unknown> = {};
  let target: unknown;
  for (const [column, value] of Object.entries(body)) {
    if (OWN_COLUMNS.has(column)) continue;
    const { role, type } = roles[column] ?? { role: 'feature', type: '' };
    if (role === 'target') target = value ?? undefined;
    else if (role === 'prediction') answers[column] = value;
    // A category that is a number (a postal area) must not be averaged.
    else if (typeof value !== 'object' || value === null)
      features[column] = type === 'categorical' && typeof value === 'number' ? String(value) : value;
  }
  const [only, ...others] = Object.values(answers);
  return { features, outcome: others.length === 0 ? outcomeOf(only, options) : outcomeOf(answers, options), target };
}

function rolesOf(schema: unknown): ColumnRoles | null {
  if (!isObject(schema)) return null;
  const roles: Record<string, { role: string; type: string }> = {};
  for (const [column, is] of Object.entries(schema))
    if (isObject(is)) roles[column] = { role: String(is.role), type: String(is.type) };
  return Object.keys(roles).length === 0 ? null : roles;
}

/** Some releases send the name of the variable instead of its value, or say that there is none. */
function versionOf(told: unknown, instance: string | null): string | undefined {
  const version = typeof told === 'string' ? told : instance;
  return version === null || version === 'not available' || version.startsWith('{') ? undefined : version;
}

/** Older SDKs of OpenTelemetry send the map as the text that Python prints. */
function bodyOf(body: unknown): Readonly<Record<string, unknown>> | null {
  const value = typeof body === 'string' ? parsePythonLiteral(body) : body;
  return isObject(value) ? value : null;
}
