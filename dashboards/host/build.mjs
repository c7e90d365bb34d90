// Bundles the pages of the stand-in host with the packages of one version of Grafana.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;
export const VERSIONS = ['13.2', '12.4', '11.6'];
const CURRENT = '13.2';

const rootOf = (version) => (version === CURRENT ? here : path.join(here, 'versions', version));
export const outputOf = (version) => path.join(here, 'dist', version);

/** Builds only what is not built yet of these sources and packages. */
export async function ensureHost(version) {
  const stamp = path.join(outputOf(version), '.built');
  const wanted = fingerprint(version);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  await bundle(version);
  writeFileSync(stamp, wanted);
}

function fingerprint(version) {
  const hash = createHash('sha256');
  const files = readdirSync(path.join(here, 'src')).map((name) => path.join(here, 'src', name));
  for (const file of [...files, path.join(here, 'build.mjs'), path.join(rootOf(version), 'package-lock.json')])
    hash.update(readFileSync(file));
  return hash.digest('hex');
}

async function bundle(version) {
  const root = rootOf(version);
  const modules = path.join(root, 'node_modules');
  await build({
    // Dashboards need @grafana/scenes, which goes with the current version.
    entryPoints: (version === CURRENT ? ['panel-page', 'dashboard-page'] : ['panel-page']).map((name) =>
      path.join(here, 'src', `${name}.tsx`),
    ),
    outdir: outputOf(version),
    bundle: true,
    format: 'esm',
    splitting: true,
    minify: true,
    target: 'es2022',
    logLevel: 'error',
    absWorkingDir: root,
    nodePaths: [modules],
    mainFields: ['module', 'browser', 'main'],
    conditions: ['browser', 'module', 'import'],
    loader: {
      '.svg': 'dataurl',
      '.png': 'dataurl',
      '.ttf': 'dataurl',
      '.woff': 'dataurl',
      '.woff2': 'dataurl',
      '.css': 'text',
    },
    define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}', global: 'globalThis', __filename: '""' },
    banner: { js: 'globalThis.process??={env:{}};' },
    plugins: [oneMoment(modules), pluginCompat, ...(version === '11.6' ? [commonJs(modules)] : []), oneRoot(root)],
  });
}

/** moment-timezone patches the copy of moment that it imports: all must be the copy of @grafana/data. */
const oneMoment = (modules) => ({
  name: 'one-moment',
  setup({ onResolve }) {
    const own = path.join(modules, '@grafana/data/node_modules/moment/moment.js');
    const file = existsSync(own) ? own : path.join(modules, 'moment/moment.js');
    onResolve({ filter: /^moment$/ }, () => ({ path: file }));
  },
});

/** @grafana/plugin-compat imports names that a given runtime may lack; a bundler refuses that unless the import is of the namespace. */
const pluginCompat = {
  name: 'plugin-compat',
  setup({ onLoad }) {
    onLoad({ filter: /plugin-compat.dist.esm.*\.mjs$/ }, ({ path: file }) => ({
      loader: 'js',
      contents: readFileSync(file, 'utf8').replace(/import \{([^}]*)\} from '@grafana\/runtime';/g, (_, names) =>
        [
          "import * as runtime__ from '@grafana/runtime';",
          ...names.split(',').map((name) => {
            const [from, to] = name.trim().split(/\s+as\s+/);
            return `const ${to ?? from} = runtime__['${from}'];`;
          }),
        ].join('\n'),
      ),
    }));
  },
};

/** The ES modules of @grafana/ui 11 import CommonJS by Node's rules, which a browser bundle does not have; its CommonJS build does. */
const commonJs = (modules) => ({
  name: 'grafana-commonjs',
  setup({ onResolve }) {
    onResolve({ filter: /^@grafana\/(data|ui|runtime|schema|e2e-selectors)$/ }, ({ path: name }) => {
      const folder = path.join(modules, name);
      const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
      const required = manifest.exports?.['.']?.require;
      return { path: path.join(folder, (typeof required === 'object' ? required.default : required) ?? manifest.main) };
    });
  },
});

/** Packages named by the pages are those of the version, wherever the pages lie. */
const oneRoot = (root) => ({
  name: 'one-root',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path: name, importer, kind, pluginData }) =>
      pluginData?.seen || !importer.startsWith(path.join(here, 'src'))
        ? undefined
        : resolve(name, { resolveDir: root, kind, pluginData: { seen: true } }),
    );
  },
});
