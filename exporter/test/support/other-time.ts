import http from 'node:http';

/** Between Alertmanager, which lives in our time, and an exporter whose clock says something else. */
export interface OtherTime {
  /** Alertmanager's webhook sends to it. */
  readonly webhookUrl: string;
  readonly close: () => Promise<void>;
}

interface WebhookMessage {
  readonly alerts: readonly { readonly startsAt: string; readonly endsAt: string }[];
}

/** Passes Alertmanager's messages on as they are, but with the times that it was there; and the exporter's answers back. */
export async function translateTimes(webhook: () => string, thereMs: (hereMs: number) => number): Promise<OtherTime> {
  const translated = (time: string) =>
    time.startsWith('0001-') ? time : new Date(thereMs(Date.parse(time))).toISOString();
  const server = http.createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const message = JSON.parse(Buffer.concat(pieces).toString('utf8')) as WebhookMessage;
      const alerts = message.alerts.map((alert) => ({
        ...alert,
        startsAt: translated(alert.startsAt),
        endsAt: translated(alert.endsAt),
      }));
      fetch(webhook(), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...message, alerts }),
      }).then(
        async (answer) => response.writeHead(answer.status).end(await answer.text()),
        // Alertmanager tries again.
        () => response.writeHead(503).end(),
      );
    });
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  return {
    webhookUrl: `http://127.0.0.1:${port}/`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
