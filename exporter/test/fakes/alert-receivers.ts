import http from 'node:http';
import net from 'node:net';

/** A message that somebody got. */
export interface Message {
  readonly channel: 'slack' | 'pagerduty' | 'email';
  readonly body: unknown;
}

/** Stand-ins for the ends of Alertmanager's ways, on loopback: they answer as the real ones do, and keep what they got. */
export interface AlertReceivers {
  readonly messages: readonly Message[];
  readonly slackUrl: string;
  readonly pagerdutyUrl: string;
  readonly smtpAddress: string;
  readonly close: () => Promise<void>;
}

export async function startAlertReceivers(): Promise<AlertReceivers> {
  const messages: Message[] = [];
  const web = http.createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'));
      const slack = request.url === '/slack';
      messages.push({ channel: slack ? 'slack' : 'pagerduty', body });
      // Slack's incoming webhook says "ok"; PagerDuty's Events API v2 answers 202.
      if (slack) response.end('ok');
      else
        response
          .writeHead(202, { 'content-type': 'application/json' })
          .end('{"status":"success","message":"Event processed","dedup_key":"x"}');
    });
  });
  const mail = net.createServer((socket) =>
    receiveMail(socket, (text) => messages.push({ channel: 'email', body: text })),
  );
  const [webPort, mailPort] = await Promise.all([listen(web), listen(mail)]);
  return {
    messages,
    slackUrl: `http://127.0.0.1:${webPort}/slack`,
    pagerdutyUrl: `http://127.0.0.1:${webPort}/v2/enqueue`,
    smtpAddress: `127.0.0.1:${mailPort}`,
    close: async () => {
      web.closeAllConnections();
      await Promise.all([web, mail].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** As much of RFC 5321 as a client needs that sends without TLS or a password. */
function receiveMail(socket: net.Socket, onMail: (text: string) => void): void {
  let buffered = '';
  let inData = false;
  const say = (line: string) => socket.write(`${line}\r\n`);
  socket.setEncoding('utf8').on('error', () => undefined);
  say('220 stand-in ESMTP');
  socket.on('data', (piece: string) => {
    buffered += piece;
    for (;;) {
      const end = inData ? buffered.indexOf('\r\n.\r\n') : buffered.indexOf('\r\n');
      if (end < 0) return;
      const text = buffered.slice(0, end);
      buffered = buffered.slice(end + (inData ? 5 : 2));
      if (inData) {
        inData = false;
        onMail(text);
        say('250 kept');
      } else if (text.startsWith('DATA')) {
        inData = true;
        say('354 go on');
      } else if (text.startsWith('QUIT')) {
        say('221 bye');
        socket.end();
      } else say('250 ok');
    }
  });
}

function listen(server: net.Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port));
  });
}
