import { spawnSync } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';

/**
 * A network namespace for one exporter: one wire for its clients, another to the database, which can be cut. A cut wire says nothing
 * to either end: no reset, no refusal, as when a switch dies. Needs root and ip(8).
 */
export interface SeveredNetwork {
  readonly prefix: readonly string[];
  readonly listen: string;
  readonly databaseUrl: string;
  /** By default the wire to the database. */
  cut(wire?: Wire): void;
  mend(wire?: Wire): void;
  close(): void;
}

export type Wire = 'clients' | 'database';
const SUBNET = '10.213';

/** null where namespaces cannot be made. */
export async function severedNetwork(socketFolder: string, url: string): Promise<SeveredNetwork | null> {
  const name = `mhchaos${process.pid}`;
  const ip = (...words: string[]) => spawnSync('ip', words, { encoding: 'utf8' }).status === 0;
  if (!ip('netns', 'add', name)) return null;
  const wires = [`mhc${process.pid % 10_000}`, `mhd${process.pid % 10_000}`] as const;
  wires.forEach((wire, i) => {
    ip('link', 'add', wire, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('-n', name, 'link', 'set', 'eth0', 'name', `in${i}`);
    ip('addr', 'add', `${SUBNET}.${i}.1/24`, 'dev', wire);
    ip('-n', name, 'addr', 'add', `${SUBNET}.${i}.2/24`, 'dev', `in${i}`);
    ip('link', 'set', wire, 'up');
    ip('-n', name, 'link', 'set', `in${i}`, 'up');
  });
  ip('-n', name, 'link', 'set', 'lo', 'up');
  // PostgreSQL listens on a socket file only.
  const forwarder = net.createServer((inner) => {
    const outer = net.connect(path.join(socketFolder, '.s.PGSQL.5432'));
    inner.on('error', () => outer.destroy()).on('close', () => outer.destroy());
    outer.on('error', () => inner.destroy()).on('close', () => inner.destroy());
    inner.pipe(outer).pipe(inner);
  });
  await new Promise<void>((resolve) => forwarder.listen(0, `${SUBNET}.1.1`, resolve));
  const tcp = new URL(url);
  tcp.search = '';
  tcp.hostname = `${SUBNET}.1.1`;
  tcp.port = String((forwarder.address() as net.AddressInfo).port);
  return {
    prefix: ['ip', 'netns', 'exec', name],
    listen: `${SUBNET}.0.2:9477`,
    databaseUrl: tcp.href,
    cut: (wire = 'database') => void ip('link', 'set', wires[wire === 'clients' ? 0 : 1], 'down'),
    mend: (wire = 'database') => void ip('link', 'set', wires[wire === 'clients' ? 0 : 1], 'up'),
    close: () => {
      forwarder.close();
      for (const wire of wires) ip('link', 'del', wire);
      ip('netns', 'del', name);
    },
  };
}
