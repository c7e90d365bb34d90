import type { DeployerSettings, RetrainingSettings } from '../../domain/retraining-settings.ts';
import type { Outbound, OutboundReply } from '../outbound/outbound.ts';
import type { Deployer, DeployOutcome } from './deployer.ts';
import { deployed } from './reply-outcome.ts';

export interface MlflowOptions {
  readonly settings: RetrainingSettings;
  readonly deployer: Extract<DeployerSettings, { readonly type: 'mlflow' }>;
  readonly token: string | null;
  readonly outbound: Outbound;
}

const ALIAS = '/api/2.0/mlflow/registered-models/alias';

/**
 * Aliases of a registered model: `candidate` while stages last, at the promotion `previous` first and then `champion`, so that there is a
 * way back at every moment. Whoever serves splits the traffic by them; versions are those of the registry, so a trainer must name them.
 */
export function mlflowDeployer(options: MlflowOptions): Deployer {
  return {
    apply: async ({ kind, version }, signal) => {
      const set = (alias: string, to: string) => call(options, 'POST', { alias, version: to }, signal);
      switch (kind) {
        case 'stage':
          return deployed(() => set('candidate', version));
        case 'promote':
          return withAlias(options, 'champion', signal, (champion) =>
            inOrder([
              // Again after a crash the champion is the candidate already: previous must stay.
              ...(champion === null || champion === version ? [] : [() => set('previous', champion)]),
              () => set('champion', version),
              () => unset(options, 'candidate', signal),
            ]),
          );
        case 'rollback':
          return withAlias(options, 'champion', signal, (champion) =>
            withAlias(options, 'previous', signal, (previous) =>
              inOrder([
                ...(champion === version && previous !== null ? [() => set('champion', previous)] : []),
                () => unset(options, 'candidate', signal),
              ]),
            ),
          );
      }
    },
  };
}

/** Goes on with the version that an alias stands for; null: there is no such alias. */
async function withAlias(
  options: MlflowOptions,
  alias: string,
  signal: AbortSignal,
  go: (version: string | null) => Promise<DeployOutcome>,
): Promise<DeployOutcome> {
  let version: string | null = null;
  const outcome = await deployed(async () => {
    const reply = await call(options, 'GET', { alias }, signal);
    // A missing alias is no 404: 400 with this code.
    if (reply.status === 400 && errorCode(reply) === 'INVALID_PARAMETER_VALUE') return { ...reply, status: 200 };
    if (reply.status === 200)
      version = (JSON.parse(reply.body) as { model_version?: { version?: string } }).model_version?.version ?? null;
    return reply;
  });
  return outcome.kind === 'applied' ? go(version) : outcome;
}

async function inOrder(calls: readonly (() => Promise<OutboundReply>)[]): Promise<DeployOutcome> {
  for (const one of calls) {
    const outcome = await deployed(one);
    if (outcome.kind !== 'applied') return outcome;
  }
  return { kind: 'applied' };
}

/** An alias that is not there is as good as one that is gone. */
async function unset(options: MlflowOptions, alias: string, signal: AbortSignal): Promise<OutboundReply> {
  const reply = await call(options, 'DELETE', { alias }, signal);
  const isMissing = reply.status === 404 || (reply.status === 400 && errorCode(reply) === 'INVALID_PARAMETER_VALUE');
  return isMissing ? { ...reply, status: 200 } : reply;
}

function errorCode({ body }: OutboundReply): string | undefined {
  try {
    return (JSON.parse(body) as { error_code?: string }).error_code;
  } catch {
    return undefined;
  }
}

function call(
  { settings, deployer, token, outbound }: MlflowOptions,
  method: 'GET' | 'POST' | 'DELETE',
  fields: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<OutboundReply> {
  const named = { name: deployer.registeredModel, ...fields };
  const query = method === 'GET' ? `?${new URLSearchParams(named).toString()}` : '';
  return outbound({
    method,
    url: `${deployer.url.replace(/\/+$/, '')}${ALIAS}${query}`,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
    },
    body: method === 'GET' ? null : JSON.stringify(named),
    allowedHosts: settings.allowedHosts,
    allowPrivateAddresses: settings.allowPrivateAddresses,
    signal,
  });
}
