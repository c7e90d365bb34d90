// The import table of the architecture, as rules: who may import what under exporter/src.
const src = 'exporter/src';
const ours = (folders) => `^${src}/(${folders})(/|\\.ts$)`;
/** `from` may import, of our own code, only itself and `allowed`. */
const only = (from, allowed) => ({
  name: `${from}-imports`,
  comment: `${from} may import of ours only: ${allowed || 'nothing'}`,
  severity: 'error',
  from: { path: ours(from), pathNot: '\\.test\\.ts$' },
  to: { path: `^${src}/`, pathNot: ours(allowed ? `${from}|${allowed}` : from) },
});
const packageOnlyIn = (name, pattern, folders) => ({
  name: `${name}-only-in`,
  severity: 'error',
  from: { path: `^${src}/`, pathNot: [ours(folders), '\\.test\\.ts$'] },
  to: { path: `node_modules/${pattern}` },
});
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-barrels', severity: 'error', from: {}, to: { path: `^${src}/.*/index\\.ts$` } },
    {
      name: 'no-tests-from-code',
      severity: 'error',
      from: { path: '^exporter/(src|client)/', pathNot: '\\.test\\.ts$' },
      to: { path: '(\\.test\\.ts$|^exporter/test/)' },
    },
    {
      name: 'client-stands-alone',
      severity: 'error',
      from: { path: '^exporter/client/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '^exporter/client/' },
    },
    only('domain', ''),
    only('statistics', ''),
    only('histogram', 'domain|statistics'),
    only('checks', 'domain|histogram|statistics'),
    only('intake', 'domain|histogram|statistics'),
    only('baseline', 'domain|histogram|statistics'),
    only('evaluation', 'domain|histogram|statistics|checks'),
    only('alerting', 'domain|histogram|statistics'),
    only('retraining', 'domain|histogram|statistics'),
    only('storage', 'domain|histogram'),
    only('exposition', 'domain'),
    only('config', 'domain'),
    only('http', 'domain|intake/formats|baseline/readers|pipeline|intake|baseline|evaluation|alerting|retraining'),
    {
      name: 'http-imports-stages-as-types-only',
      severity: 'error',
      from: { path: ours('http'), pathNot: '\\.test\\.ts$' },
      to: {
        path: ours('pipeline|intake|baseline|evaluation|alerting|retraining'),
        pathNot: ours('intake/formats|baseline/readers'),
        dependencyTypesNot: ['type-only'],
      },
    },
    only('pipeline', 'domain|intake|baseline|evaluation|alerting|retraining'),
    only('main', 'app|config'),
    packageOnlyIn('pg', '(@types/)?pg(-copy-streams)?/', 'storage'),
    packageOnlyIn('prom-client', 'prom-client/', 'exposition'),
    packageOnlyIn('fastify', '(@fastify|fastify)/', 'http'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(/dist/|/\\.cache/)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
