import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { validate } from 'dockerfile-utils';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';

const ROOT = path.resolve(__dirname, '..', '..', '..');
const VALIDATOR = path.join(__dirname, '..', 'support', 'manifest-faults.mjs');
const OPERATOR = '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
}
/** By kind: where its class is, which validates by the schema that the API server has, and its type beside it. */
const MODULES: Readonly<Record<string, string>> = {
  ConfigMap: 'kubernetes-models/v1/ConfigMap',
  Service: 'kubernetes-models/v1/Service',
  Deployment: 'kubernetes-models/apps/v1/Deployment',
  ServiceMonitor: `${OPERATOR}/ServiceMonitor`,
  PrometheusRule: `${OPERATOR}/PrometheusRule`,
};

function manifestsOf(file: string): readonly Manifest[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return [...text.matchAll(/^```yaml\n(.*?)^```$/gms)]
    .flatMap(([, yaml]) => parseAllDocuments(yaml!).map((document) => document.toJS() as unknown as Manifest))
    .filter((document) => typeof document.apiVersion === 'string');
}

/** What is wrong with manifests: values by the schemas, and misspelt keys, which schemas let pass, by the types. */
function faultsOf(manifests: readonly Manifest[]): readonly string[] {
  const unknown = manifests.filter(({ kind }) => !(kind in MODULES)).map(({ kind }) => `there is no schema of ${kind}`);
  const known = manifests.filter(({ kind }) => kind in MODULES);
  const said = execFileSync(process.execPath, [VALIDATOR, JSON.stringify(MODULES)], { input: JSON.stringify(known) });
  return [...unknown, ...(JSON.parse(said.toString()) as string[]), ...typeFaults(known)];
}

function typeFaults(manifests: readonly Manifest[]): readonly string[] {
  // Within the repository, so that it finds the packages.
  const folder = mkdtempSync(path.join(ROOT, 'node_modules', '.manifests-'));
  const file = path.join(folder, 'manifests.ts');
  const lines = manifests.map(
    (manifest, i) =>
      `const manifest${i}: import('${MODULES[manifest.kind]!}').I${manifest.kind} = ${JSON.stringify(manifest)};`,
  );
  try {
    writeFileSync(file, lines.join('\n'));
    const program = ts.createProgram([file], {
      noEmit: true,
      strict: true,
      skipLibCheck: true,
      types: [],
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
    });
    return ts
      .getPreEmitDiagnostics(program)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('manifests for Kubernetes', () => {
  const manifests = manifestsOf('exporter/docs/how-to/kubernetes.md');

  test('of the how-to are what Kubernetes and the Prometheus operator take', () => {
    expect(manifests.map(({ kind }) => kind)).toEqual([
      'ConfigMap',
      'Deployment',
      'Service',
      'ServiceMonitor',
      'PrometheusRule',
    ]);
    expect(faultsOf(manifests)).toEqual([]);
  }, 240_000);

  test('the alerting rules fit into a PrometheusRule', () => {
    const files = readdirSync(path.join(ROOT, 'alerting-rules')).filter((file) => file.endsWith('.rules.yml'));
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) {
      const [document] = parseAllDocuments(readFileSync(path.join(ROOT, 'alerting-rules', file), 'utf8'));
      const rule = { apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule', metadata: { name: 'rules' } };
      expect([file, faultsOf([{ ...rule, spec: document!.toJS() as unknown } as Manifest])]).toEqual([file, []]);
    }
  }, 240_000);

  test('what is wrong is found: a misspelt key, a wrong type, a kind without a schema', () => {
    const [monitor] = manifests.filter(({ kind }) => kind === 'ServiceMonitor') as unknown as [{ spec: object }];
    const misspelt = { ...monitor, spec: { ...monitor.spec, endpoint: [] } } as unknown as Manifest;
    expect(faultsOf([misspelt])).toEqual([expect.stringContaining('"endpoint"')]);
    const wrong = { ...monitor, spec: { ...monitor.spec, endpoints: 7 } } as unknown as Manifest;
    expect(faultsOf([wrong])[0]).toContain('endpoints must be array');
    expect(faultsOf([{ apiVersion: 'v1', kind: 'Ingres' }])).toEqual(['there is no schema of Ingres']);
  }, 240_000);
});

describe.each(['Dockerfile', 'exporter/demo/Dockerfile'])('%s', (file) => {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const stages = text.split(/^(?=FROM )/m).filter((stage) => stage.startsWith('FROM '));

  test('has no fault that the linter of editors knows', () => {
    expect(validate(text).map(({ range, message }) => [range.start.line + 1, message])).toEqual([]);
    expect(validate('FROM node\nEXPOSE x')).toHaveLength(1);
  });

  // By the numbers of https://github.com/hadolint/hadolint#rules
  test.each<readonly [string, (stage: string) => boolean]>([
    ['DL3006, DL3007: a tag, and not latest', (stage) => /^FROM [\w./-]+:(?!latest\b)[\w.-]+/.test(stage)],
    ['DL3000: absolute working folders', (stage) => !/^WORKDIR (?!\/)/m.test(stage)],
    ['DL3020: files by COPY', (stage) => !/^ADD /m.test(stage)],
    ['DL3004: no sudo', (stage) => !/\bsudo\b/.test(stage)],
    ['DL3025: commands as JSON', (stage) => !/^(CMD|ENTRYPOINT) (?!\[)/m.test(stage)],
    ['npm by the lock file, or from a file', (stage) => !/npm install(?! --no-save .*\.tgz)/.test(stage)],
    ['no secrets', (stage) => !/^(ARG|ENV) .*(TOKEN|PASSWORD|SECRET)/im.test(stage)],
  ])('%s', (_rule, holds) => {
    expect(stages.length).toBeGreaterThan(0);
    for (const stage of stages) expect(holds(stage)).toBe(true);
  });

  test('DL3002: ends as somebody who is not root', () => {
    const user = [...stages.at(-1)!.matchAll(/^USER (\S+)$/gm)].at(-1)?.[1];
    expect(user).toMatch(/^(?!0\b|root\b)\S+/);
  });
});
