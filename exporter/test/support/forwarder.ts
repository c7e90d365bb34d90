import net from 'node:net';
import path from 'node:path';

/** A port that leads to a PostgreSQL which listens on a socket file only. */
export interface Forwarder {
  /** The database by that port. */
  readonly url: string;
  /**
   * From when the database is sent `text` for the `times`th time on, what it says is held back, without a word to either end; what it is
   * told still arrives. Resolves then.
   */
  holdAnswersTo(text: string, times: number): Promise<void>;
  /** And given out. */
  giveAnswers(): void;
  close(): void;
}

export async function forwardTo(databaseUrl: string, host = '127.0.0.1'): Promise<Forwarder> {
  const file = path.join(new URL(databaseUrl).searchParams.get('host')!, '.s.PGSQL.5432');
  const pairs = new Map<net.Socket, net.Socket>();
  let holding = false;
  let sent: (bytes: Buffer) => void = () => undefined;
  const server = net.createServer((inner) => {
    const outer = net.connect(file);
    pairs.set(inner, outer);
    inner
      .on('error', () => outer.destroy())
      .on('close', () => {
        outer.destroy();
        pairs.delete(inner);
      });
    outer.on('error', () => inner.destroy()).on('close', () => inner.destroy());
    inner.on('data', (bytes) => sent(bytes)).pipe(outer);
    if (!holding) outer.pipe(inner);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const url = new URL(databaseUrl);
  url.search = '';
  url.hostname = host;
  url.port = String((server.address() as net.AddressInfo).port);
  return {
    url: url.href,
    holdAnswersTo: (text, times) =>
      new Promise((resolve) => {
        let left = times;
        sent = (bytes) => {
          if (!bytes.includes(text) || --left > 0) return;
          sent = () => undefined;
          holding = true;
          for (const [inner, outer] of pairs) outer.unpipe(inner).pause();
          resolve();
        };
      }),
    giveAnswers: () => {
      holding = false;
      for (const [inner, outer] of pairs) outer.pipe(inner);
    },
    close: () => {
      server.close();
      for (const inner of pairs.keys()) inner.destroy();
    },
  };
}
