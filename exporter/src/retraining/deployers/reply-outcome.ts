import { OutboundError } from '../outbound/outbound.ts';
import type { OutboundReply } from '../outbound/outbound.ts';
import { retryAfterMs } from '../retry-after.ts';
import type { DeployOutcome } from './deployer.ts';

/** What a call, or the first of several that is not 2xx, means for the rollout. */
export async function deployed(call: () => Promise<OutboundReply>): Promise<DeployOutcome> {
  try {
    const { status, headers } = await call();
    if (status >= 200 && status < 300) return { kind: 'applied' };
    const reason = `it answered ${status}`;
    if (status === 429 || status >= 500)
      return { kind: 'later', afterMs: retryAfterMs(headers['retry-after']), reason };
    return { kind: 'refused', reason };
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    return error.code === 'refused'
      ? { kind: 'refused', reason: error.message }
      : { kind: 'later', afterMs: retryAfterMs(undefined), reason: error.message };
  }
}
