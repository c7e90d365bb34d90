import type { AdapterSettings, RetrainingSettings, RetrainingTriggers } from '../domain/settings.ts';
import { boolean, duration, integer, key, list, nullable, number, object, oneOf, text } from './fields.ts';
import type { Field } from './fields.ts';
import type { Cursor } from './yaml-source.ts';

const DAY_MS = 86_400_000;
const RATIO_OR_OFF = nullable(number({ above: 0, max: 1 }));

const TRIGGERS: Field<RetrainingTriggers> = object<RetrainingTriggers>({
  performanceDrop: key('performance_drop', RATIO_OR_OFF),
  driftDetected: key('drift_detected', boolean),
  daysSinceTraining: key('days_since_training', nullable(number({ above: 0, max: 3650 }))),
  minNewDataPoints: key('min_new_data_points', integer({ min: 0, max: 1e9 })),
  errorRateThreshold: key('error_rate_threshold', RATIO_OR_OFF),
  calibrationGap: key('calibration_gap', RATIO_OR_OFF),
});

/** Deep enough for any adapter, and a bound on aliases that lead back to themselves. */
const MAX_DEPTH = 8;
/** Words in keys that hold secrets; those that name a file of one (`secret_file`) are fine. */
const SECRET_KEY = /(secret|token|password|passwd|credential|api_?key|private_?key)/i;

/** A part whose keys its adapter knows and checks. Any YAML but secrets, which must come from files. */
const ADAPTER: Field<AdapterSettings> = {
  keys: [],
  read: (cursor) => {
    if (cursor.entries() === undefined) return cursor.fail(`must be a mapping, is ${cursor.describe()}`);
    return readPlain(cursor, 0) ?? {};
  },
  print: (value) => value,
};

function readPlain(cursor: Cursor, depth: number): unknown {
  if (depth > MAX_DEPTH) return cursor.fail(`is nested more than ${MAX_DEPTH} deep`);
  const scalar = cursor.scalar();
  if (scalar !== undefined) return readScalar(cursor, scalar.value);
  const items = cursor.items();
  if (items !== undefined) return items.map((item) => readPlain(item, depth + 1));
  const result: [string, unknown][] = [];
  for (const { key: name, value, failKey } of cursor.entries() ?? []) {
    if (SECRET_KEY.test(name) && !/_(file|env)$/.test(name))
      failKey('a secret must not stand in the configuration: use a key that ends in _file');
    else if (name === '__proto__') failKey('unknown key "__proto__"');
    else result.push([name, readPlain(value, depth + 1)]);
  }
  return Object.fromEntries(result);
}

function readScalar(cursor: Cursor, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value))
    return cursor.fail(`must be a finite number, is ${cursor.describe()}`);
  if (typeof value === 'string' && URL.canParse(value) && new URL(value).password !== '')
    return cursor.fail('must not hold a password');
  return value;
}

/** See docs/retraining: the keys of trainer, deployer, gate and rollout are checked by whoever reads them. */
export const RETRAINING: Field<RetrainingSettings> = object<RetrainingSettings>({
  enabled: key('enabled', boolean),
  checkIntervalMs: key('check_interval', duration({ min: 1000, max: 30 * DAY_MS })),
  triggers: key('triggers', TRIGGERS),
  onDrift: key('on_drift', oneOf(['suggest', 'shadow'])),
  cooldownMs: key('cooldown', duration({ max: 30 * DAY_MS })),
  approval: key('approval', oneOf(['automatic', 'manual'])),
  approverMustDiffer: key('approver_must_differ', boolean),
  allowedHosts: key(
    'allowed_hosts',
    list(text('the name of a host, with or without a port', /^[A-Za-z0-9.:[\]_-]+$/), { max: 1000 }),
  ),
  allowPrivateAddresses: key('allow_private_addresses', boolean),
  trainer: key('trainer', ADAPTER),
  deployer: key('deployer', ADAPTER),
  gate: key('gate', ADAPTER),
  rollout: key('rollout', ADAPTER),
});
