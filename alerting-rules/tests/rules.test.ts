import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { CHECK_NAMES } from '../../exporter/src/domain/settings.ts';
import { FAMILIES } from '../../exporter/src/exposition/families.ts';

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}
interface UnitTests {
  readonly tests: readonly { readonly name: string }[];
}

const FOLDER = path.join(__dirname, '..');
const inFolder = (folder: string, ending: string) =>
  readdirSync(path.join(FOLDER, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => path.join(folder, name));
const yaml = (file: string): unknown => parse(readFileSync(path.join(FOLDER, file), 'utf8'));

const ruleFiles = inFolder('.', '.rules.yml');
const unitTestFiles = inFolder('tests', '.test.yml');
const rules = ruleFiles.flatMap((file) => (yaml(file) as RuleFile).groups.flatMap((group) => group.rules));
const alerts = rules.filter((rule): rule is Rule & { alert: string } => rule.alert !== undefined);
const alertNames = [...new Set(alerts.map(({ alert }) => alert))];
const records = new Map(rules.flatMap(({ record, expr }) => (record === undefined ? [] : [[record, expr] as const])));
const unitTests = unitTestFiles.flatMap((file) => (yaml(file) as UnitTests).tests.map(({ name }) => name));

interface Dashboard {
  readonly uid: string;
  readonly templating: { readonly list: readonly { readonly name: string }[] };
}
const DASHBOARDS = path.join(FOLDER, '..', 'dashboards');
/** Of each dashboard, by its uid, the variables that an address may set. */
const dashboards = new Map(
  readdirSync(DASHBOARDS)
    .filter((name) => /^model-health-.+\.json$/.test(name))
    .map((name) => JSON.parse(readFileSync(path.join(DASHBOARDS, name), 'utf8')) as Dashboard)
    .map(({ uid, templating }) => [uid, templating.list.map(({ name }) => `var-${name}`)] as const),
);

const promtool = spawnSync('promtool', ['--version']).status === 0;
// With CI=true it is installed, or the run has failed before this.
const withPromtool = promtool ? describe : describe.skip;

withPromtool('promtool', () => {
  const run = (...args: readonly string[]) => spawnSync('promtool', args, { cwd: FOLDER, encoding: 'utf8' });

  test.each(ruleFiles)('accepts %s', (file) => {
    const { status, stderr } = run('check', 'rules', file);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  test.each(unitTestFiles)('passes %s', (file) => {
    const { status, stdout, stderr } = run('test', 'rules', file);
    expect(stdout + stderr).not.toContain('FAILED');
    expect(status).toBe(0);
  });
});

describe.each(alertNames)('%s', (name) => {
  const own = alerts.filter(({ alert }) => alert === name);
  const cases = unitTests.filter((test) => test.startsWith(`${name}: `)).map((test) => test.slice(name.length + 2));

  test('has unit tests: fires and resolves, does not fire, too few samples', () => {
    // A dead man's switch has nothing to resolve.
    const needed = name === 'Watchdog' ? ['fires always'] : ['fires, then resolves', 'does not fire'];
    if (own.some(({ expr }) => restsOnSamples(expr))) needed.push('too few samples');
    for (const one of needed) expect(cases.map((found) => found.replace(/ \(.*\)$/, ''))).toContain(one);
  });

  test('has a runbook, to which its messages link', () => {
    expect(existsSync(path.join(FOLDER, 'runbooks', `${name}.md`))).toBe(true);
    const text = readFileSync(path.join(FOLDER, 'runbooks', `${name}.md`), 'utf8');
    for (const section of ['Likely causes', 'Look at', 'Do', 'Silence']) expect(text).toContain(`\n## ${section}\n`);
    for (const { annotations } of own) expect(annotations?.runbook_url?.endsWith(`/runbooks/${name}.md`)).toBe(true);
  });

  test('links to a dashboard that there is, set to what it is about', () => {
    for (const { expr, annotations = {} } of own) {
      const [, uid = '', query = ''] =
        /^https:\/\/grafana\.example\/d\/([^?]+)\??(.*)$/.exec(annotations.dashboard_url ?? '') ?? [];
      expect([...dashboards.keys()]).toContain(uid);
      const named = [...query.matchAll(/(?:^|&)([\w-]+)=\{\{ \$labels\.(\w+) \| urlquery \}\}/g)].map(
        ([, variable, label]) => [variable, label] as const,
      );
      expect(query.split('&').filter((part) => part !== '')).toHaveLength(named.length);
      for (const [variable, label] of named) {
        expect(variable).toBe(`var-${label}`);
        expect(dashboards.get(uid)).toContain(variable);
      }
      // An alert of a model says so in its summary, and then its dashboard must show that model.
      if (annotations.summary?.includes('$labels.model') === true && !expr.includes('ml_exporter_'))
        expect(named.map(([, label]) => label)).toContain('model');
    }
  });

  test('says what, where and how urgent', () => {
    for (const { labels = {}, annotations = {}, for: pause } of own) {
      expect(['high', 'medium', 'low', 'none']).toContain(labels.severity);
      expect(Object.keys(annotations).sort()).toEqual(['dashboard_url', 'description', 'runbook_url', 'summary']);
      expect(JSON.stringify(labels)).not.toContain('$value');
      // Two scrapes at least, of everything but the dead man's switch.
      if (name !== 'Watchdog')
        expect(Number.parseInt(pause ?? '0', 10)).toBeGreaterThanOrEqual(2 - Number(pause === '1h'));
    }
  });

  test('of a model is urgent only on enough samples', () => {
    for (const { labels = {}, expr } of own)
      if ((CHECK_NAMES as readonly string[]).includes(labels.check ?? '')) expect(restsOnSamples(expr)).toBe(true);
  });
});

test('the six checks have an alert each', () => {
  const checks = new Set(alerts.map(({ labels }) => labels?.check));
  expect(CHECK_NAMES.filter((check) => !checks.has(check))).toEqual([]);
});

test('the rules of one alert wait equally long, lest the lesser one gets out before the greater one mutes it', () => {
  for (const name of alertNames)
    expect(new Set(alerts.filter(({ alert }) => alert === name).map((rule) => rule.for)).size).toBe(1);
});

test.each(rules.map((rule) => [rule.alert ?? rule.record ?? '', rule.labels?.severity ?? 'recording', rule] as const))(
  'every metric that %s (%s) names is exposed or recorded',
  (_name, _severity, { expr, annotations = {} }) => {
    const text = [expr, ...Object.values(annotations)].join('\n');
    const known = new Set([...FAMILIES.flatMap(({ name, type }) => exposedNames(name, type)), ...records.keys()]);
    const named = [...text.matchAll(/\b(?:\w+:)?ml_\w+(?::\w+)?/g)].map(([metric]) => metric);
    expect(named.filter((metric) => !known.has(metric))).toEqual([]);
  },
);

test('every runbook is of an alert', () => {
  expect(
    inFolder('runbooks', '.md')
      .map((file) => path.basename(file, '.md'))
      .sort(),
  ).toEqual([...alertNames].sort());
});

function exposedNames(name: string, type: string): readonly string[] {
  return type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

/** Whether an expression, or a recording rule that it names, compares with a number of samples. */
function restsOnSamples(expr: string): boolean {
  if (/signal="min_(samples|labels)"/.test(expr) || expr.includes('ingest_rejected_total')) return true;
  return [...records].some(([record, source]) => expr.includes(record) && restsOnSamples(source));
}
