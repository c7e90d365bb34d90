import { spawnSync } from 'node:child_process';
import { forwardTo } from '../support/forwarder.ts';

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
/** Of those that are set aside for benches (RFC 2544); each process has a pair, so that two runs may go on at once. */
const SUBNETS = [0, 1].map((wire) => `198.18.${((2 * process.pid) % 256) + wire}`);

/** null where namespaces cannot be made. */
export async function severedNetwork(url: string): Promise<SeveredNetwork | null> {
  const name = `mhchaos${process.pid}`;
  const ip = (...words: string[]) => spawnSync('ip', words, { encoding: 'utf8' }).status === 0;
  if (!ip('netns', 'add', name)) return null;
  const wires = [`mhc${process.pid % 10_000}`, `mhd${process.pid % 10_000}`] as const;
  wires.forEach((wire, i) => {
    ip('link', 'add', wire, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('-n', name, 'link', 'set', 'eth0', 'name', `in${i}`);
    ip('addr', 'add', `${SUBNETS[i]}.1/24`, 'dev', wire);
    ip('-n', name, 'addr', 'add', `${SUBNETS[i]}.2/24`, 'dev', `in${i}`);
    ip('link', 'set', wire, 'up');
    ip('-n', name, 'link', 'set', `in${i}`, 'up');
  });
  ip('-n', name, 'link', 'set', 'lo', 'up');
  const forwarder = await forwardTo(url, `${SUBNETS[1]}.1`);
  return {
    prefix: ['ip', 'netns', 'exec', name],
    listen: `${SUBNETS[0]}.2:9477`,
    databaseUrl: forwarder.url,
    cut: (wire = 'database') => void ip('link', 'set', wires[wire === 'clients' ? 0 : 1], 'down'),
    mend: (wire = 'database') => void ip('link', 'set', wires[wire === 'clients' ? 0 : 1], 'up'),
    close: () => {
      forwarder.close();
      for (const wire of wires) ip('link', 'del', wire);
      ip('netns', 'del', name);
    },
  };
}
