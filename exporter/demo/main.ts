import path from 'node:path';
import { parseArgs } from 'node:util';
import { runFlights } from './flights/run.ts';
import { runRealEstate } from './real-estate/run.ts';

const HELP = `npm run demo -- <options>

Without options: 3,000,000 US flights of 2001 (npm package vega-datasets). Two classifiers learn on the first eight weeks which flights
depart more than 15 minutes late; the other weeks are replayed through the exporter, and its findings compared with the truth.

  --sample N             replay every N-th flight (default 4; 1 replays all 2,000,000)
  --speed N              seconds of 2001 a second (default 60480: a week in ten seconds)

With --real-estate: four simulated models of an estate agency under steady load, until Ctrl-C. Faults are switched on and off by typing.

  --rate N               predictions a second of each model (default 20)
  --fault MODEL:FAULT    a fault that is on from the start; may be given several times
  --seed N               of the simulation (default 1)
  --config F             configuration of the exporter (default: real-estate.yml of the demo)

With both:

  --listen-address A     where the demo's exporter listens (default 127.0.0.1:9479)
  --help                 this text
`;

const packageFolder = path.resolve(import.meta.dirname, '..', '..');
const OPTIONS = {
  sample: { type: 'string', default: '4' },
  speed: { type: 'string', default: '60480' },
  'listen-address': { type: 'string', default: '127.0.0.1:9479' },
  'real-estate': { type: 'boolean', default: false },
  rate: { type: 'string', default: '20' },
  fault: { type: 'string', multiple: true, default: [] as string[] },
  seed: { type: 'string', default: '1' },
  config: { type: 'string', default: path.join(packageFolder, 'demo', 'real-estate.yml') },
  help: { type: 'boolean', default: false },
} as const;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0)
    throw new Error(`--${name} must be a whole number above 0, not "${text}"`);
  return value;
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());

try {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) process.stdout.write(HELP);
  else if (values['real-estate'])
    await runRealEstate({
      packageFolder,
      configFile: path.resolve(values.config),
      listenAddress: values['listen-address'],
      seed: positive('seed', values.seed),
      rate: positive('rate', values.rate),
      faults: values.fault,
      stopped: stop.signal,
    });
  else
    await runFlights({
      packageFolder,
      listenAddress: values['listen-address'],
      sample: positive('sample', values.sample),
      speed: positive('speed', values.speed),
      stopped: () => stop.signal.aborted,
    });
} catch (error) {
  if (!stop.signal.aborted) {
    process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
// A monitor may still try to reach the exporter that was stopped with us.
process.exit();
