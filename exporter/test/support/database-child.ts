import type { ResolveDatabaseOptions } from '../../src/storage/embedded/resolve-database.ts';
import { resolveDatabase } from '../../src/storage/embedded/resolve-database.ts';
import { silentLog } from './silent-log.ts';

/** An exporter reduced to its database: resolves it with the options given as JSON, says so in a line of JSON, and runs until it is told to stop. */
async function main(options: ResolveDatabaseOptions): Promise<void> {
  const stayAlive = setInterval(() => undefined, 60_000);
  try {
    const database = await resolveDatabase({ ...options, log: silentLog });
    process.once('SIGTERM', () => void database.stop().then(() => clearInterval(stayAlive)));
    say({ url: database.url, postmaster: database.pid(), description: database.description });
  } catch (error) {
    say({ error: error instanceof Error ? error.message : String(error) });
    clearInterval(stayAlive);
  }
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

void main(JSON.parse(process.argv[3] ?? '{}') as ResolveDatabaseOptions);
