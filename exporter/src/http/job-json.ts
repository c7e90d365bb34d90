import type { Job, JobEvent, RegistryEntry, RetrainingNeed, RetrainingReason, Routing } from '../domain/retraining.ts';

export function needJson(need: RetrainingNeed): Record<string, unknown> {
  return {
    model: need.model,
    needed: need.needed,
    reasons: need.reasons.map(reasonJson),
    suggestions: need.suggestions.map(reasonJson),
    blockedBy: need.blockedBy,
    cooldown_end: timeJson(need.cooldownEndMs),
    trained_at: timeJson(need.trainedAtMs),
    new_data_points: need.newDataPoints,
  };
}

/** @param events undefined: a line of a list, without the details of its data */
export function jobJson(job: Job, events?: readonly JobEvent[]): Record<string, unknown> {
  const { dataset, dispatch, training, gate, approval, rollout, error, output, rollback } = job.facts;
  return {
    id: job.id,
    model: job.model,
    state: job.state,
    paused: job.paused,
    cancelled_by: job.cancelledBy,
    trigger: job.trigger,
    requested_by: job.requestedBy,
    reasons: job.reasons.map(reasonJson),
    champion: job.champion.version,
    candidate: training?.candidate ?? null,
    shadow: job.shadow,
    attempt: job.attempt,
    created_at: timeJson(job.createdAtMs),
    finished_at: timeJson(job.finishedAtMs),
    gate: gate ?? null,
    approval: approval ?? null,
    rollout: rollout ?? null,
    error: error ?? null,
    ...(events === undefined
      ? {}
      : {
          external_id: dispatch?.externalId ?? null,
          dataset: dataset ?? null,
          metrics: training?.metrics ?? null,
          output: output ?? null,
          rollback: rollback ?? null,
          events: events.map(({ atMs, ...event }) => ({ at: timeJson(atMs), ...event })),
        }),
  };
}

export function registryJson(entry: RegistryEntry): Record<string, unknown> {
  return {
    version: entry.version,
    stage: entry.stage,
    job: entry.jobId,
    uri: entry.uri,
    sha256: entry.sha256,
    framework: entry.framework,
    metrics: entry.metrics,
    trained_at: timeJson(entry.trainedAtMs),
    promoted_at: timeJson(entry.promotedAtMs),
  };
}

export function routingJson({ champion, candidate }: Routing): Record<string, unknown> {
  return { champion: { version: champion }, candidate };
}

function reasonJson({ windowSeconds, note, ...figures }: RetrainingReason): Record<string, unknown> {
  return {
    ...figures,
    window: windowSeconds === null ? null : `${windowSeconds}s`,
    ...(note === '' ? {} : { note }),
  };
}

function timeJson(ms: number): string | null {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : null;
}
