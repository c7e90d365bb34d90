// Writes the rules and the Alertmanager configuration with your words and addresses.
// node alerting-rules/render.mjs --out=<folder> [--severities=critical,warning,info] [--runbooks=<url>] [--dashboards=<url>]
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const WORDS = ['high', 'medium', 'low'];
const RUNBOOKS = 'https://model-health.example/runbooks/';
const DASHBOARDS = 'https://grafana.example/d/';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    severities: { type: 'string', default: WORDS.join(',') },
    runbooks: { type: 'string', default: RUNBOOKS },
    dashboards: { type: 'string', default: DASHBOARDS },
  },
});
const severities = values.severities.split(',');
if (values.out === undefined || severities.length !== WORDS.length) {
  console.error(
    'Usage: render.mjs --out=<folder> [--severities=critical,warning,info] [--runbooks=<url>] [--dashboards=<url>]',
  );
  process.exit(2);
}
const renamed = Object.fromEntries(WORDS.map((word, i) => [word, severities[i]]));
const slashed = (url) => (url.endsWith('/') ? url : `${url}/`);

/** Labels and matchers only: in expressions `severity` is a label of ml_alert_threshold, whose words are the exporter's. */
const rules = (text) =>
  text
    .replaceAll(/^( +severity: )(high|medium|low)$/gm, (_line, label, word) => label + renamed[word])
    .replaceAll(RUNBOOKS, slashed(values.runbooks))
    .replaceAll(DASHBOARDS, slashed(values.dashboards));
const routes = (text) =>
  text.replaceAll(/(severity =~? )"([a-z|]+)"/g, (_match, left, words) => {
    const translated = words.split('|').map((word) => renamed[word] ?? word);
    return `${left}"${translated.join('|')}"`;
  });

const here = import.meta.dirname;
const write = (file, translate) => {
  const target = path.join(values.out, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, translate(readFileSync(path.join(here, file), 'utf8')));
};
for (const file of readdirSync(here).filter((name) => name.endsWith('.rules.yml'))) write(file, rules);
write('alertmanager/alertmanager.yml', routes);
cpSync(path.join(here, 'alertmanager', 'templates'), path.join(values.out, 'alertmanager', 'templates'), {
  recursive: true,
});
