import type { RegistryStage, RolloutFacts, StageFinding } from '../../domain/retraining.ts';
import type { ModelSettings } from '../../domain/settings.ts';
import type { Step } from '../advance.ts';
import type { DeployAction, Deployer } from '../deployers/deployer.ts';
import { finding, judgeStage, worseByTruth } from '../judge-stage.ts';
import type { StageTraffic } from '../judge-stage.ts';
import type { WorkedJob } from '../worked-job.ts';

export interface RollOutDependencies {
  readonly settingsOf: (model: string) => ModelSettings;
  readonly deployerOf: (model: string) => Deployer;
  /** Both versions in [fromMs, toMs). */
  readonly traffic: (job: WorkedJob, fromMs: number, toMs: number, maxLatencyRatio: number) => Promise<StageTraffic>;
  readonly registry: {
    place(job: WorkedJob, stage: RegistryStage, nowMs: number): Promise<void>;
    reinstate(job: WorkedJob, nowMs: number): Promise<void>;
  };
  readonly now: () => number;
  /** How often a stage is looked at, real time. */
  readonly pollMs: number;
}

/** One stage after the other: applied, watched, judged. Whatever goes wrong takes the traffic back. */
export async function rollOut(job: WorkedJob, signal: AbortSignal, deps: RollOutDependencies): Promise<Step> {
  const { rollout: settings } = deps.settingsOf(job.model).retraining;
  const rollout = job.facts.rollout ?? firstStage(settings.stages[0]?.percent ?? 100);
  if (job.cancelledBy !== null) return rollBack(job, rollout, `cancelled by ${job.cancelledBy}`, signal, deps);
  const stage = settings.stages[rollout.stage];
  if (stage === undefined) return promote(job, rollout, signal, deps);
  if (!rollout.applied)
    return applyStage(job, { ...rollout, percent: stage.percent, shadow: stage.percent === 0 }, signal, deps);
  const traffic = await deps.traffic(job, rollout.sinceMs, Infinity, settings.maxLatencyRatio);
  const { verdict, reasons } = judgeStage({
    stage,
    settings,
    elapsedMs: deps.now() - rollout.sinceMs,
    traffic,
    scoreDistance: job.facts.gate?.scoreDistance ?? null,
  });
  const history = [
    ...rollout.history.filter((one) => one.stage !== stageName(rollout)),
    finding(stageName(rollout), verdict, reasons, traffic),
  ];
  if (verdict === 'wait') return { kind: 'stay', afterMs: deps.pollMs, facts: { rollout: { ...rollout, history } } };
  if (verdict !== 'pass') return rollBack(job, { ...rollout, history }, reasons.join('; '), signal, deps);
  const next = { ...rollout, stage: rollout.stage + 1, applied: false, history };
  return {
    kind: 'stay',
    afterMs: 0,
    facts: { rollout: next },
    event: { kind: 'stage_passed', detail: { stage: stageName(rollout), reasons } },
  };
}

/** After the promotion: ground truth of the stages still comes in, and may take it all back. */
export async function monitor(job: WorkedJob, signal: AbortSignal, deps: RollOutDependencies): Promise<Step> {
  const { rollout: settings, triggers } = deps.settingsOf(job.model).retraining;
  const rollout = job.facts.rollout!;
  if (job.cancelledBy !== null) return rollBack(job, rollout, `cancelled by ${job.cancelledBy}`, signal, deps);
  const [staged, since] = await Promise.all([
    deps.traffic(job, rollout.beganMs ?? rollout.sinceMs, rollout.sinceMs, settings.maxLatencyRatio),
    deps.traffic(job, rollout.sinceMs, Infinity, settings.maxLatencyRatio),
  ]);
  const reasons: string[] = [];
  const worse = worseByTruth(staged);
  if (worse !== null) reasons.push(worse);
  const { predictions, errors } = since.candidate;
  const threshold = triggers.errorRateThreshold;
  if (threshold !== null && predictions >= MIN_SOAKED && errors / predictions > threshold)
    reasons.push(`error rate ${(errors / predictions).toFixed(3)} since the promotion`);
  const history = [
    ...rollout.history.filter(({ stage }) => stage !== 'soak'),
    finding('soak', reasons.length > 0 ? 'fail' : 'wait', reasons, since),
  ];
  if (reasons.length > 0) return rollBack(job, { ...rollout, history }, reasons.join('; '), signal, deps);
  if (deps.now() - rollout.sinceMs < settings.soakMs)
    return { kind: 'stay', afterMs: deps.pollMs, facts: { rollout: { ...rollout, history } } };
  return {
    kind: 'move',
    to: 'succeeded',
    facts: { rollout: { ...rollout, history: passed(history) } },
    detail: { version: job.facts.training!.candidate.version },
  };
}

const MIN_SOAKED = 100;

function firstStage(percent: number): RolloutFacts {
  return { stage: 0, percent, shadow: percent === 0, applied: false, sinceMs: 0, history: [] };
}

function stageName({ percent, shadow }: RolloutFacts): string {
  return shadow ? 'shadow' : `${percent} %`;
}

function passed(history: readonly StageFinding[]): readonly StageFinding[] {
  return history.map((one) => (one.stage === 'soak' ? { ...one, verdict: 'pass' } : one));
}

async function applyStage(
  job: WorkedJob,
  rollout: RolloutFacts,
  signal: AbortSignal,
  deps: RollOutDependencies,
): Promise<Step> {
  const refused = await deploy(job, rollout, action(job, 'stage', rollout, String(rollout.stage)), signal, deps);
  if (refused !== null) return refused;
  const nowMs = deps.now();
  return {
    kind: 'stay',
    afterMs: deps.pollMs,
    facts: { rollout: { ...rollout, applied: true, sinceMs: nowMs, beganMs: rollout.beganMs ?? nowMs } },
    event: { kind: 'stage_applied', detail: { stage: stageName(rollout) } },
  };
}

async function promote(
  job: WorkedJob,
  rollout: RolloutFacts,
  signal: AbortSignal,
  deps: RollOutDependencies,
): Promise<Step> {
  const promoted = { ...rollout, percent: 100, shadow: false, applied: true, sinceMs: deps.now() };
  const refused = await deploy(job, rollout, action(job, 'promote', promoted, 'promote'), signal, deps);
  if (refused !== null) return refused;
  await deps.registry.place(job, 'champion', deps.now());
  return {
    kind: 'move',
    to: 'monitoring',
    facts: { rollout: promoted },
    detail: { version: job.facts.training!.candidate.version },
  };
}

/** null: it is done; else what becomes of the job: tried again later, or taken back where the deployer refused. */
async function deploy(
  job: WorkedJob,
  rollout: RolloutFacts,
  wanted: DeployAction,
  signal: AbortSignal,
  deps: RollOutDependencies,
): Promise<Step | null> {
  const outcome = await deps.deployerOf(job.model).apply(wanted, signal);
  if (outcome.kind === 'later') return busy(outcome);
  if (outcome.kind === 'refused')
    return rollBack(job, rollout, `the deployer refused: ${outcome.reason}`, signal, deps);
  return null;
}

/** Repeated until the deployer has done it: traffic must not stay with a version that failed. */
async function rollBack(
  job: WorkedJob,
  rollout: RolloutFacts,
  reason: string,
  signal: AbortSignal,
  deps: RollOutDependencies,
): Promise<Step> {
  const wanted = action(job, 'rollback', { ...rollout, percent: 0 }, 'rollback');
  const outcome = await deps.deployerOf(job.model).apply(wanted, signal);
  if (outcome.kind === 'later') return busy(outcome);
  if (outcome.kind === 'refused') throw new Error(`the deployer refused to roll back: ${outcome.reason}`);
  await deps.registry.reinstate(job, deps.now());
  return { kind: 'move', to: 'rolled_back', facts: { rollout, rollback: { reason } }, detail: { reason } };
}

function busy({ afterMs, reason }: { readonly afterMs: number; readonly reason: string }): Step {
  return { kind: 'stay', afterMs, event: { kind: 'deployer_busy', detail: { reason } } };
}

function action(job: WorkedJob, kind: DeployAction['kind'], { percent }: RolloutFacts, step: string): DeployAction {
  const { version, uri } = job.facts.training!.candidate;
  return {
    kind,
    key: `${job.id}:${step}`,
    jobId: job.id,
    model: job.model,
    version,
    uri,
    previous: job.champion.version,
    percent,
  };
}
