import type { Settings } from '../domain/settings.ts';
import type { Flags } from './flags.ts';
import { formatListenAddress, isLoopback } from './listen-address.ts';
import type { LoadResult } from './load-config.ts';
import type { WebSettings } from './web-config.ts';

/**
 * Why the exporter must not start: it would listen beyond this machine and let everyone in. null: it may.
 * Without tokens and users every request is allowed, which is fine on loopback and where `--web.allow-anonymous` says so.
 */
export function exposureProblem(
  flags: Pick<Flags, 'listenAddresses' | 'allowAnonymous'>,
  settings: Pick<Settings, 'auth'>,
  web: Pick<WebSettings, 'basicAuthUsers'>,
): string | null {
  if (flags.allowAnonymous || settings.auth.tokens.length > 0 || web.basicAuthUsers.size > 0) return null;
  const open = flags.listenAddresses.filter((address) => !isLoopback(address)).map(formatListenAddress);
  if (open.length === 0) return null;
  return (
    `--web.listen-address=${open.join(', ')} can be reached from other machines, and nothing asks who is there: configure auth.tokens ` +
    'or basic_auth_users, listen on 127.0.0.1, or allow it with --web.allow-anonymous'
  );
}

/** What was loaded, unless with it everyone would be let in: a reload must not open what the start would have refused, such as of a file that was just emptied. */
export function refuseExposure<T extends Pick<Settings, 'auth'>>(
  loaded: LoadResult<T>,
  flags: Pick<Flags, 'listenAddresses' | 'allowAnonymous'>,
  web: Pick<WebSettings, 'basicAuthUsers'>,
): LoadResult<T> {
  const message = loaded.ok ? exposureProblem(flags, loaded.settings, web) : null;
  return message === null ? loaded : { ok: false, errors: [{ line: 0, column: 0, path: 'auth.tokens', message }] };
}
