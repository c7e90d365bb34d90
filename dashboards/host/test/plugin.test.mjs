// The zip that Grafana installs, file by file, and its plugin.json by the published rules.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { zipPlugin } from '../../../scripts/plugin-zip.mjs';
import { ensurePlugin } from '../plugin.mjs';
import { root } from './estate.mjs';

const { strFromU8, unzipSync } = createRequire(path.join(root, 'grafana-plugin', 'package.json'))('fflate');
const { Ajv } = createRequire(path.join(root, 'dashboards', 'package.json'))('ajv');

let name;
let files;
let manifest;
const text = (file) => strFromU8(files[`${manifest.id}/${file}`]);
before(() => {
  ensurePlugin();
  const zip = zipPlugin();
  name = zip.name;
  files = unzipSync(zip.bytes);
  const found = Object.keys(files).filter((file) => file.endsWith('/plugin.json'));
  assert.equal(found.length, 1);
  manifest = JSON.parse(strFromU8(files[found[0]]));
});

describe('the zip', () => {
  test('is one folder named by the id, and is named by id and version', () => {
    for (const file of Object.keys(files)) assert.ok(file.startsWith(`${manifest.id}/`), file);
    assert.equal(name, `${manifest.id}-${manifest.info.version}.zip`);
  });

  test('holds what Grafana and its catalog read, and nothing else', () => {
    const wanted = [
      'plugin.json',
      'module.js',
      'module.js.map',
      'README.md',
      'CHANGELOG.md',
      'LICENSE',
      ...Object.values(manifest.info.logos),
      ...manifest.info.screenshots.map((one) => one.path),
    ];
    for (const file of wanted)
      assert.ok((files[`${manifest.id}/${file}`]?.length ?? 0) > 0, `${file} is missing or empty`);
    const others = Object.keys(files)
      .map((file) => file.slice(manifest.id.length + 1))
      .filter((file) => !wanted.includes(file) && !/^\d+\.js(\.map)?$/.test(file));
    assert.deepEqual(others, []);
  });

  test('holds no signature: only Grafana makes one, and until then the id is allowed by hand', () => {
    assert.ok(!(`${manifest.id}/MANIFEST.txt` in files));
  });

  test('has its pictures at the places that the README names, relative to it', () => {
    const pictures = [...text('README.md').matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, where]) => where);
    assert.ok(pictures.length >= 3);
    for (const where of pictures) assert.ok(`${manifest.id}/${where}` in files, where);
  });

  test('says what changed in its version, and under which licence it is', () => {
    assert.match(text('CHANGELOG.md'), new RegExp(`^## ${manifest.info.version.replaceAll('.', '\\.')}\\b`, 'm'));
    assert.match(text('LICENSE'), /Apache License\s+Version 2\.0/);
  });

  test('has a source map with the sources in it', () => {
    const { sources, sourcesContent } = JSON.parse(text('module.js.map'));
    assert.ok(sources.some((source) => source.endsWith('components/ScorecardPanel.tsx')));
    assert.ok(sourcesContent.every((source) => typeof source === 'string'));
  });
});

const words = (items) => ({ type: 'array', items });
const closed = (properties, required = []) => ({ type: 'object', properties, required, additionalProperties: false });
const string = { type: 'string', minLength: 1 };
const link = closed({ name: string, url: { type: 'string', pattern: '^https?://' } });

/**
 * What https://grafana.com/developers/plugin-tools/reference/plugin-json says of panels: properties that only data sources and apps have are
 * left out, and so are wrong here. `suggestions` is of Grafana 13 (PanelPluginMeta of @grafana/data).
 */
const RULES = closed(
  {
    $schema: string,
    id: { type: 'string', pattern: '^[0-9a-z]+-([0-9a-z]+-)?panel$' },
    type: { const: 'panel' },
    name: string,
    info: closed(
      {
        author: closed({ name: string, email: string, url: string }),
        description: string,
        keywords: { ...words(string), minItems: 1 },
        links: words(link),
        logos: closed(
          { small: { type: 'string', pattern: '\\.svg$' }, large: { type: 'string', pattern: '\\.svg$' } },
          ['small', 'large'],
        ),
        screenshots: words(closed({ name: string, path: string }, ['name', 'path'])),
        updated: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$' },
        version: { type: 'string', pattern: '^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)$' },
        build: { type: 'object' },
      },
      ['logos', 'version', 'updated', 'keywords'],
    ),
    dependencies: closed(
      {
        grafanaDependency: { type: 'string', pattern: '^(<=|>=|<|>|=|~|\\^)?\\d+(\\.[0-9x*]+){1,2}$' },
        grafanaVersion: string,
        plugins: words({ type: 'object' }),
      },
      ['grafanaDependency'],
    ),
    skipDataQuery: { type: 'boolean' },
    state: { enum: ['alpha', 'beta'] },
    suggestions: { type: 'boolean' },
    // Written by the build.
    buildMode: { enum: ['production', 'development'] },
  },
  ['type', 'name', 'id', 'info', 'dependencies'],
);

test('plugin.json is as the published reference says', () => {
  const valid = new Ajv().compile(RULES);
  assert.ok(valid(manifest), JSON.stringify(valid.errors));
  for (const broken of [
    { ...manifest, id: 'Scorecard' },
    { ...manifest, metrics: true },
    { ...manifest, info: { ...manifest.info, version: '%VERSION%' } },
    { ...manifest, dependencies: {} },
  ])
    assert.equal(valid(broken), false);
});
