import type { DeployerSettings, RetrainingSettings } from '../../domain/retraining-settings.ts';
import type { Outbound, OutboundReply } from '../outbound/outbound.ts';
import type { DeployAction, Deployer } from './deployer.ts';
import { deployed } from './reply-outcome.ts';

export interface KserveOptions {
  readonly settings: RetrainingSettings;
  readonly deployer: Extract<DeployerSettings, { readonly type: 'kserve' }>;
  /** Of the service account. */
  readonly token: string;
  readonly ca: string | null;
  readonly outbound: Outbound;
}

/** Where the model came from before the rollout: what a rollback goes back to, also after the promotion. */
const PREVIOUS = 'model-health/previous-storage-uri';

/**
 * Canary rollout of an InferenceService (serving.kserve.io/v1beta1) by merge patches: a stage sets the storageUri and
 * `canaryTrafficPercent` under spec.predictor, the promotion removes the percent, a rollback puts the storageUri of before back.
 * KServe sends a canary of 0 % no traffic: it has no shadow.
 */
export function kserveDeployer(options: KserveOptions): Deployer {
  return {
    apply: async (action, signal) => {
      if (action.kind === 'stage' && action.uri === '') return { kind: 'refused', reason: 'the candidate has no uri' };
      return deployed(async () => {
        const found = await call(options, 'GET', null, signal);
        return found.status === 200
          ? call(options, 'PATCH', patch(action, JSON.parse(found.body) as InferenceService), signal)
          : found;
      });
    },
  };
}

interface InferenceService {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: { readonly predictor?: { readonly model?: { readonly storageUri?: string } } };
}

function patch({ kind, uri, percent }: DeployAction, { metadata, spec }: InferenceService): Record<string, unknown> {
  const current = spec?.predictor?.model?.storageUri ?? '';
  const previous = metadata?.annotations?.[PREVIOUS];
  switch (kind) {
    case 'stage':
      return {
        // Again after a crash the candidate's own address is no way back.
        ...(current === uri ? {} : { metadata: { annotations: { [PREVIOUS]: current } } }),
        spec: { predictor: { canaryTrafficPercent: percent, model: { storageUri: uri } } },
      };
    case 'promote':
      return { spec: { predictor: { canaryTrafficPercent: null } } };
    case 'rollback':
      return {
        metadata: { annotations: { [PREVIOUS]: null } },
        spec: {
          predictor: {
            canaryTrafficPercent: null,
            ...(previous === undefined ? {} : { model: { storageUri: previous } }),
          },
        },
      };
  }
}

function call(
  { settings, deployer, token, ca, outbound }: KserveOptions,
  method: 'GET' | 'PATCH',
  body: Record<string, unknown> | null,
  signal: AbortSignal,
): Promise<OutboundReply> {
  const { url, namespace, service } = deployer;
  return outbound({
    method,
    url: `${url.replace(/\/+$/, '')}/apis/serving.kserve.io/v1beta1/namespaces/${namespace}/inferenceservices/${service}`,
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      ...(body === null ? {} : { 'content-type': 'application/merge-patch+json' }),
    },
    body: body === null ? null : JSON.stringify(body),
    allowedHosts: settings.allowedHosts,
    allowPrivateAddresses: settings.allowPrivateAddresses,
    ...(ca === null ? {} : { ca }),
    signal,
  });
}
