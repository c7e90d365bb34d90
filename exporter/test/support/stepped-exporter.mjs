// The compiled exporter on a clock that stands still until the parent process says what time it is: `node stepped-exporter.mjs flags`, then
// messages of epoch milliseconds. For replays that must not depend on how fast the machine is.
import path from 'node:path';
import { startApp } from '../../dist/src/app/start-app.js';
import { parseCommandLine, processEnvironment } from '../../dist/src/config/flags.js';
import { loadConfigFile, secretsFrom } from '../../dist/src/config/load-config.js';
import { createLogger } from '../../dist/src/config/logger.js';
import { ConfigHolder } from '../../dist/src/config/reload.js';
import { loadWebConfigFile } from '../../dist/src/config/web-config.js';

const environment = processEnvironment();
const { flags } = parseCommandLine(process.argv.slice(2), environment);
const secrets = secretsFrom(environment);
const load = () => loadConfigFile(flags.configFile, secrets);
let nowMs = flags.clockStartMs;
const clock = { now: () => nowMs };
process.on('message', (ms) => (nowMs = ms));
const app = await startApp({
  flags,
  config: new ConfigHolder(load, load().settings, clock),
  web: loadWebConfigFile(flags.webConfigFile, secrets).settings,
  clock,
  log: createLogger(flags, () => Date.now()),
  version: 'stepped',
  packageFolder: path.resolve(import.meta.dirname, '..', '..'),
  searchPath: environment.PATH,
});
console.log(`POST ${app.addresses[0]}/api/ml/predictions`);
for (const end of ['SIGTERM', 'disconnect']) process.on(end, () => void app.close().then(() => process.exit(0)));
