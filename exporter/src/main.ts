#!/usr/bin/env node
import path from 'node:path';
import { DIALECT_NAMES, dialectSteps } from './app/dialect-steps.ts';
import { startApp } from './app/start-app.ts';
import { runExport, runImport } from './app/transfer.ts';
import { createClock } from './config/clock.ts';
import { readBuild } from './config/build.ts';
import { checkConfiguration } from './config/check.ts';
import { exposureProblem, refuseExposure } from './config/exposure.ts';
import { parseCommandLine, processEnvironment } from './config/flags.ts';
import type { Flags } from './config/flags.ts';
import { loadConfigFile, secretsFrom } from './config/load-config.ts';
import { createLogger } from './config/logger.ts';
import { ConfigHolder } from './config/reload.ts';
import { parseTransfer } from './config/transfer-flags.ts';
import type { TransferCommand } from './config/transfer-flags.ts';
import { watchForChanges } from './config/watch-file.ts';
import { loadWebConfigFile } from './config/web-config.ts';

const environment = processEnvironment();
const packageFolder = path.resolve(import.meta.dirname, '..', '..');
const { version, revision } = readBuild(packageFolder);

async function run(flags: Flags): Promise<number> {
  const secrets = secretsFrom(environment);
  const check = checkConfiguration(flags, secrets);
  if (flags.configCheck) process.stdout.write(check.text);
  else if (check.exitCode !== 0) process.stderr.write(check.text);
  if (flags.configCheck || check.exitCode !== 0) return check.exitCode;
  const loaded = loadConfigFile(flags.configFile, secrets);
  const web = loadWebConfigFile(flags.webConfigFile, secrets);
  if (!loaded.ok || !web.ok || exposureProblem(flags, loaded.settings, web.settings) !== null) return 1;
  const clock = createClock(flags.clockStartMs, flags.clockSpeed);
  const log = createLogger(flags, () => Date.now());
  const load = () => refuseExposure(loadConfigFile(flags.configFile, secrets), flags, web.settings);
  const config = new ConfigHolder(load, loaded.settings, clock);
  const app = await startApp({
    flags,
    config,
    web: web.settings,
    clock,
    log,
    version,
    revision,
    packageFolder,
    searchPath: environment.PATH,
  });
  greet(app.addresses, flags.telemetryPath, app.database);
  const unwatch = flags.configFile === null ? () => undefined : watchForChanges(flags.configFile, () => app.reload());
  await new Promise<void>((resolve) => {
    // Not once: npm passes on the signal that a terminal sent to the whole group, and the second must not cut the stop short.
    process.on('SIGTERM', resolve).on('SIGINT', resolve);
    process.on('SIGHUP', () => app.reload());
  });
  log.info({}, 'stopping: what was accepted is finished first');
  unwatch();
  await app.close();
  return 0;
}

function greet(addresses: readonly string[], telemetryPath: string, database: string): void {
  const [address = ''] = addresses;
  process.stdout.write(`Model health exporter ${version} is ready.
  Send predictions to  POST ${address}/api/ml/predictions
  Send labels to       POST ${address}/api/ml/ground-truth
  Scrape               ${addresses.map((one) => one + telemetryPath).join(', ')}
  Look at              ${address}/  (API: ${address}/docs/ml)
  Database             ${database}
`);
}

/** `export` and `import`: done when they return. */
async function transfer(command: Extract<TransferCommand, { flags: unknown }>): Promise<number> {
  const options = {
    packageFolder,
    searchPath: environment.PATH,
    nowMs: Date.now(),
    terminal: process.stderr,
    say: (line: string) => process.stdout.write(`${line}\n`),
  };
  await (command.kind === 'export' ? runExport(command.flags, options) : runImport(command.flags, options));
  return 0;
}

/** `dialect NAME`: prints, and that is all. */
function printDialect(name = ''): number {
  const steps = dialectSteps(name);
  if (steps === null)
    process.stderr.write(
      `Usage: model-health-exporter dialect ${DIALECT_NAMES.join('|')}\nPrints its SQL; nothing is run.\n`,
    );
  else process.stdout.write(steps);
  return steps === null ? 2 : 0;
}

const argv = process.argv.slice(2);
const command = parseTransfer(argv, environment) ?? parseCommandLine(argv, environment);
if (argv[0] === 'dialect') process.exitCode = printDialect(argv[1]);
else if (command.kind === 'help') process.stdout.write(command.text);
else if (command.kind === 'version')
  process.stdout.write(`model-health-exporter ${version}${revision === '' ? '' : ` (revision ${revision})`}\n`);
else if (command.kind === 'invalid') {
  process.stderr.write(`${command.errors.join('\n')}\nSee --help.\n`);
  process.exitCode = 2;
} else {
  process.exitCode = await (command.kind === 'run' ? run(command.flags) : transfer(command)).catch((error: unknown) => {
    const failed = command.kind === 'run' ? 'The exporter cannot start' : `The ${command.kind} failed`;
    process.stderr.write(`${failed}: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  });
}
