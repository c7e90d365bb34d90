import type { DeployerSettings, RetrainingSettings } from '../../domain/retraining-settings.ts';
import type { Outbound } from '../outbound/outbound.ts';
import { signWebhook } from '../webhook-signature.ts';
import type { DeployAction, Deployer } from './deployer.ts';
import { deployed } from './reply-outcome.ts';

export interface WebhookDeployerOptions {
  readonly settings: RetrainingSettings;
  readonly deployer: Extract<DeployerSettings, { readonly type: 'webhook' }>;
  readonly secrets: readonly Buffer[];
  readonly outbound: Outbound;
  readonly realNow: () => number;
}

/** `deploy.stage`, `deploy.promote` or `deploy.rollback`, signed as Standard Webhooks; the id is the same for every repetition. */
export function webhookDeployer({ settings, deployer, secrets, outbound, realNow }: WebhookDeployerOptions): Deployer {
  return {
    apply: (action, signal) => {
      const body = JSON.stringify(message(action, realNow()));
      return deployed(() =>
        outbound({
          method: 'POST',
          url: deployer.url,
          headers: {
            'content-type': 'application/json',
            'idempotency-key': action.key,
            ...signWebhook(secrets, action.key, Math.floor(realNow() / 1000), body),
          },
          body,
          allowedHosts: settings.allowedHosts,
          allowPrivateAddresses: settings.allowPrivateAddresses,
          signal,
        }),
      );
    },
  };
}

function message(
  { kind, jobId, model, version, uri, previous, percent }: DeployAction,
  nowMs: number,
): Record<string, unknown> {
  return {
    type: `deploy.${kind}`,
    timestamp: new Date(nowMs).toISOString(),
    data: { job_id: jobId, model, version, uri, previous, percent, shadow: kind === 'stage' && percent === 0 },
  };
}
