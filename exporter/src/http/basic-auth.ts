import { createHash } from 'node:crypto';
import bcrypt from 'bcryptjs';
import type { FastifyRequest } from 'fastify';
import { HttpError } from './problem-details.ts';

const OPEN_PATHS: ReadonlySet<string> = new Set(['/-/healthy', '/-/ready', '/-/leader']);
const CHALLENGE = { 'www-authenticate': 'Basic realm="model-health", charset="UTF-8"' };
/** bcrypt costs tens of milliseconds: an answer is remembered, as exporter-toolkit does. */
const REMEMBERED = 100;
/** Of random bytes that nobody kept: compared when the user is not known, so that the delay does not tell who is. */
const NOBODY = '$2b$10$gNfeUKzQHKHqx4Ey571/G.EzWxsLS9MuZ1Ny6rqFJRxuEvQdN0R.W';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whoever calls this route has a signature, a signed address or a token of its own, which the route looks at. */
    readonly provesItself?: boolean;
  }
}

/** Users of `basic_auth_users`. A request with a bearer token is left to the tokens. */
export class BasicAuth {
  private readonly users: ReadonlyMap<string, string>;
  private readonly remembered = new Map<string, boolean>();
  private readonly passed = new WeakSet<FastifyRequest>();

  private readonly onUnknown: (address: string) => void;

  /** @param onUnknown called before a password that was not seen before is compared; may throw to refuse it */
  constructor(users: ReadonlyMap<string, string>, onUnknown: (address: string) => void) {
    this.users = users;
    this.onUnknown = onUnknown;
  }

  /** Throws HttpError 401, 429. `tokensConfigured`: a bearer token is an alternative. */
  async check(request: FastifyRequest, tokensConfigured: boolean): Promise<void> {
    if (this.users.size === 0 || OPEN_PATHS.has(request.url.split('?', 1)[0]!)) return;
    // A trainer has no password of ours: what it brings with it is looked at by the route.
    if (request.routeOptions.config.provesItself === true) return;
    const header = request.headers.authorization ?? '';
    if (tokensConfigured && /^Bearer /i.test(header)) return;
    const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header)?.[1];
    if (encoded === undefined || !(await this.isRight(encoded, request.ip)))
      throw new HttpError(401, 'User name and password are needed.', CHALLENGE);
    this.passed.add(request);
  }

  hasPassed(request: FastifyRequest): boolean {
    return this.passed.has(request);
  }

  private async isRight(encoded: string, address: string): Promise<boolean> {
    const key = createHash('sha256').update(encoded).digest('base64');
    const known = this.remembered.get(key);
    if (known === true) return true;
    this.onUnknown(address);
    if (known === false) return false;
    const [user = '', ...password] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
    const hash = this.users.get(user);
    const right = (await bcrypt.compare(password.join(':'), hash ?? NOBODY)) && hash !== undefined;
    if (this.remembered.size >= REMEMBERED) this.remembered.delete(this.remembered.keys().next().value!);
    this.remembered.set(key, right);
    return right;
  }
}
