// `npm run dashboards -- --prometheus URL`: the committed dashboards in a browser, for those without a Grafana.
import { parseArgs } from 'node:util';
import { ensureHost } from './build.mjs';
import { ensurePlugin } from './plugin.mjs';
import { startHost } from './server.mjs';

const HELP = `npm run dashboards -- <options>

Shows every dashboard and the panel on Grafana's own packages, without a Grafana server.

  --prometheus URL   where Prometheus is (default http://127.0.0.1:9090)
  --exporter URL     where the exporter is, for retraining (default http://127.0.0.1:9477)
  --port N           where to listen on 127.0.0.1 (default 3030)
  --help             this text
`;

const { values } = parseArgs({
  options: {
    prometheus: { type: 'string', default: 'http://127.0.0.1:9090' },
    exporter: { type: 'string', default: 'http://127.0.0.1:9477' },
    port: { type: 'string', default: '3030' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(HELP);
} else {
  ensurePlugin();
  await ensureHost('13.2');
  const { url } = await startHost({
    port: Number(values.port),
    prometheusUrl: values.prometheus,
    exporterUrl: values.exporter,
  });
  console.log(
    `Dashboards at ${url}/, out of ${values.prometheus}. The panel's scenarios at ${url}/panel/13.2?scenario=stale&theme=light`,
  );
}
