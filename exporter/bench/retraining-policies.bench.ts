// When to retrain: the flights of 2001 replayed week by week under five policies, by the exporter's own checks, triggers, trainer and gate.
// Each policy's model learnt on the first eight weeks; what differs is when it is trained again, and whether the gate has a say.
// The error is that of all predictions of weeks 8-25, made before their week began; a ceiling is a model that knows its own week.
import path from 'node:path';
import { buildScheme, countBaseline } from '../src/baseline/build-baseline.ts';
import { provisionalTarget } from '../src/baseline/provisional-target.ts';
import { layOut } from '../src/baseline/reference-rows.ts';
import { Spool } from '../src/baseline/spool.ts';
import type { ModelCounts } from '../src/checks/check.ts';
import type { ModelReport } from '../src/domain/model-report.ts';
import { TRAINER_DEADLINE_MS } from '../src/domain/retraining-settings.ts';
import type { RetrainingTriggers } from '../src/domain/retraining-settings.ts';
import { DEFAULT_SETTINGS } from '../src/domain/settings.ts';
import type { ModelSettings } from '../src/domain/settings.ts';
import { evaluateModel } from '../src/evaluation/evaluate-model.ts';
import type { ModelTarget } from '../src/histogram/model-target.ts';
import { Traffic } from '../src/histogram/traffic.ts';
import { judgeCandidate } from '../src/retraining/gate.ts';
import { predictTabular, trainTabular } from '../src/retraining/trainers/tabular-model.ts';
import type { FeatureRow, TabularModel } from '../src/retraining/trainers/tabular-model.ts';
import { championOf, findNeed } from '../src/retraining/triggers.ts';
import { pairedDifference } from '../src/statistics/paired-difference.ts';
import { installDataset, readFlights } from '../demo/flights/dataset.ts';
import type { Flights } from '../demo/flights/dataset.ts';
import { calendarFeatures, FIRST_DAY_MS, isLate, laggedFeatures, WEEK_MS, weekOf } from '../demo/flights/features.ts';
import type { FeatureSet } from '../demo/flights/features.ts';
import { LAST_TRAINING_WEEK } from '../demo/flights/models.ts';
import { className } from '../demo/flights/replay.ts';

const SAMPLE = 20;
/** What the lagged features start from. */
const LATE_RATE = 0.2;
const CLASSES = [className(false), className(true)];
const POSITIVE = className(true);
const DEFAULTS = DEFAULT_SETTINGS.defaults;
const { data: DATA, gate: GATE } = DEFAULTS.retraining;

interface Row {
  readonly features: FeatureRow;
  readonly label: string;
}
interface Score {
  readonly prediction: string;
  readonly score: number;
  readonly likelihood: null;
}

/** A model in charge, and what it was found to be when it was new: on rows that it did not learn from. */
interface Champion {
  readonly model: TabularModel;
  readonly trainedAtMs: number;
  readonly baseline: readonly Row[];
}

interface Policy {
  readonly name: string;
  /** Whether a week calls for a job. */
  readonly starts: (needed: () => boolean) => boolean;
  readonly triggers: Partial<RetrainingTriggers>;
  readonly onDrift: 'suggest' | 'shadow';
  readonly gated: boolean;
}

const POLICIES: readonly Policy[] = [
  { name: 'never', starts: () => false, triggers: {}, onDrift: 'suggest', gated: false },
  { name: 'always: every week', starts: () => true, triggers: {}, onDrift: 'suggest', gated: false },
  {
    name: 'at drift alone',
    starts: (needed) => needed(),
    triggers: { performanceDrop: null, calibrationGap: null, errorRateThreshold: null, daysSinceTraining: null },
    onDrift: 'shadow',
    gated: false,
  },
  {
    name: 'founding triggers',
    starts: (needed) => needed(),
    triggers: { calibrationGap: null },
    onDrift: 'shadow',
    gated: false,
  },
  { name: 'every week, gated', starts: () => true, triggers: {}, onDrift: 'suggest', gated: true },
  { name: 'recommended', starts: (needed) => needed(), triggers: {}, onDrift: 'suggest', gated: true },
];

/** The flights of one feature set, week by week, and everything that was learnt from them. */
class Replay {
  private readonly weeks: readonly (readonly Row[])[];
  private readonly features: readonly { readonly name: string; readonly kind: 'numeric' | 'categorical' }[];
  private readonly champions = new Map<number, Champion>();
  private readonly answers = new Map<TabularModel, Map<readonly Row[], readonly Score[]>>();

  get lastWeek(): number {
    return this.weeks.length - 1;
  }

  constructor(flights: Flights, set: FeatureSet) {
    const weeks: Row[][] = [];
    for (let flight = 0; flight < flights.departureMs.length; flight += SAMPLE) {
      const week = Math.max(0, weekOf(flights, flight));
      while (weeks.length <= week) weeks.push([]);
      weeks[week]!.push({ features: set.row(flight), label: className(isLate(flights, flight)) });
    }
    this.weeks = weeks;
    this.features = Object.entries(set.row(0)).map(([name, value]) => ({
      name,
      kind: typeof value === 'number' ? 'numeric' : 'categorical',
    }));
  }

  /** Trained at the end of a week on the rows of the data window, as a job would: the newest rows are withheld. */
  private champion(week: number): Champion {
    const known = this.champions.get(week);
    if (known !== undefined) return known;
    const from = Math.max(0, week + 1 - Math.floor(DATA.windowMs / WEEK_MS));
    const rows = this.weeks.slice(from, week + 1).flat();
    const cut = Math.floor(rows.length * (1 - DATA.holdoutShare));
    const made = { model: this.train(rows.slice(0, cut)), trainedAtMs: endOf(week), baseline: rows.slice(cut) };
    this.champions.set(week, made);
    return made;
  }

  private train(rows: readonly Row[]): TabularModel {
    const { seed, cvFolds } = DEFAULTS.retraining.hints;
    return trainTabular(rows, {
      task: 'binary',
      positiveClass: POSITIVE,
      classes: CLASSES,
      features: this.features,
      seed,
      cvFolds,
      tuningBudget: 1,
    }).model;
  }

  async run(policy: Policy): Promise<readonly string[]> {
    let current = this.champion(LAST_TRAINING_WEEK);
    let jobs = 0;
    let helped = 0;
    let promotions = 0;
    const answered: (readonly Score[])[] = [];
    for (let week = LAST_TRAINING_WEEK + 1; week <= this.lastWeek; week++) {
      answered.push(this.scores(current.model, this.weeks[week]!));
      const report = await this.reportOf(current, this.weeks[week]!, policy, endOf(week));
      const need = findNeed({
        report,
        nowMs: endOf(week),
        trainedAtMs: current.trainedAtMs,
        newDataPoints: this.weeks[week]!.length,
        activeJob: false,
        cooldownEndMs: NaN,
        versionChanged: false,
      });
      if (week === this.lastWeek || !policy.starts(() => need.needed && need.blockedBy.length === 0)) continue;
      jobs++;
      const candidate = this.champion(week);
      if (policy.gated && !this.passes(candidate, current, report)) continue;
      promotions++;
      helped += Number(this.isBetter(candidate.model, current.model, this.weeks[week + 1]!));
      current = candidate;
    }
    return [policy.name, ...this.figures(answered), String(jobs), String(promotions), String(helped)];
  }

  /** The exporter's own report of one week. */
  private async reportOf(current: Champion, week: readonly Row[], policy: Policy, nowMs: number): Promise<ModelReport> {
    const kinds = new Map(this.features.map(({ name, kind }) => [name, kind]));
    const target: ModelTarget = {
      ...provisionalTarget(
        'calendar',
        '1',
        { features: kinds, classes: new Set(CLASSES), ignored: [] },
        'binary',
        undefined,
        undefined,
      ),
      positiveClass: 1,
    };
    const present = new Set(kinds.keys());
    const spoolOf = (rows: readonly Row[]) => {
      const answers = this.scores(current.model, rows);
      const spool = new Spool();
      const laid = rows.map(({ features, label }, i) => ({
        ...answers[i]!,
        features,
        label,
        scores: undefined,
        latencyMs: null,
        error: null,
      }));
      spool.add(layOut(laid, target, 0));
      return spool;
    };
    const { scheme } = await buildScheme(spoolOf(current.baseline), target, present, new Map(), 200);
    const binned: ModelTarget = { ...target, scheme: { id: 1, ...scheme } };
    const countsOf = async (rows: readonly Row[]): Promise<ModelCounts> => {
      const { features, performance } = await countBaseline(spoolOf(rows), binned, present);
      const traffic = new Traffic();
      for (const _row of rows) traffic.addRow(0, NaN);
      return { features, performance, traffic };
    };
    const settings: ModelSettings = {
      ...DEFAULTS,
      retraining: {
        ...DEFAULTS.retraining,
        enabled: true,
        trainer: { type: 'embedded', deadlineMs: TRAINER_DEADLINE_MS },
        onDrift: policy.onDrift,
        triggers: { ...DEFAULTS.retraining.triggers, ...policy.triggers },
      },
    };
    const window = await countsOf(week);
    return evaluateModel({
      model: 'calendar',
      version: '1',
      nowMs,
      context: {
        task: 'binary',
        classes: CLASSES,
        positiveClass: 1,
        errorReasons: [],
        columns: target.features,
        scheme: binned.scheme,
        baseline: { kind: 'reference', madeAtMs: current.trainedAtMs, ...(await countsOf(current.baseline)) },
        settings,
      },
      baselines: null,
      significantDays: new Map(),
      window: () => window,
    });
  }

  private passes(candidate: Champion, current: Champion, report: ModelReport): boolean {
    const need = findNeed({
      report,
      nowMs: report.evaluatedAtMs,
      trainedAtMs: current.trainedAtMs,
      newDataPoints: Infinity,
      activeJob: false,
      cooldownEndMs: NaN,
      versionChanged: false,
    });
    const ours = this.scores(current.model, candidate.baseline);
    const theirs = this.scores(candidate.model, candidate.baseline);
    const { verdict } = judgeCandidate({
      task: 'binary',
      positiveClass: POSITIVE,
      rows: candidate.baseline.map(({ label }, i) => ({ y: label, champion: ours[i]!, candidate: theirs[i]! })),
      holdoutRows: candidate.baseline.length,
      champion: championOf(report, need.reasons),
      settings: GATE,
      accuracyDrop: report.settings.thresholds.accuracyDrop,
    });
    return verdict === 'approve';
  }

  /** On the week that follows, beyond chance. */
  private isBetter(candidate: TabularModel, current: TabularModel, week: readonly Row[]): boolean {
    return (
      pairedDifference(losses(this.scores(current, week), week), losses(this.scores(candidate, week), week)).lower > 0
    );
  }

  /** Nobody can have it: each week answered by a model that learnt on that very week and the one before. */
  ceiling(): readonly string[] {
    const answered = this.weeks.slice(LAST_TRAINING_WEEK + 1).map((week, i) => {
      return this.scores(this.train([...this.weeks[LAST_TRAINING_WEEK + i]!, ...week]), week);
    });
    return ['(knows its week)', ...this.figures(answered), '-', '-', '-'];
  }

  private figures(answered: readonly (readonly Score[])[]): string[] {
    let n = 0;
    let loss = 0;
    let correct = 0;
    let worst = 0;
    let gaps = 0;
    answered.forEach((scored, i) => {
      const week = this.weeks[LAST_TRAINING_WEEK + 1 + i]!;
      n += week.length;
      losses(scored, week).forEach((value) => (loss += value));
      let gap = 0;
      scored.forEach(({ prediction, score }, row) => {
        correct += Number(prediction === week[row]!.label);
        gap += score - Number(week[row]!.label === POSITIVE);
      });
      gaps += Math.abs(gap / week.length) / answered.length;
      worst = Math.max(worst, Math.abs(gap / week.length));
    });
    return [loss / n, correct / n, gaps, worst].map((value) => value.toFixed(4));
  }

  private scores(model: TabularModel, rows: readonly Row[]): readonly Score[] {
    const known = this.answers.get(model) ?? new Map<readonly Row[], readonly Score[]>();
    this.answers.set(model, known);
    let found = known.get(rows);
    if (found === undefined) {
      const predicted = predictTabular(
        model,
        rows.map(({ features }) => features),
      );
      found = predicted.map(({ prediction, score }) => ({
        prediction: String(prediction),
        score: score!,
        likelihood: null,
      }));
      known.set(rows, found);
    }
    return found;
  }
}

function losses(scored: readonly Score[], week: readonly Row[]): number[] {
  return scored.map(({ score }, i) => -Math.log(Math.max(week[i]!.label === POSITIVE ? score : 1 - score, 1e-9)));
}

function endOf(week: number): number {
  return FIRST_DAY_MS + (week + 1) * WEEK_MS;
}

const flights = await readFlights(installDataset(path.resolve(import.meta.dirname, '..', '..')), () => undefined);
const line = (cells: readonly string[]) =>
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(20) : cell.padStart(13))).join(''));
for (const set of [calendarFeatures(flights, [0]), laggedFeatures(flights, LATE_RATE)]) {
  const replay = new Replay(flights, set);
  console.log(`\n${set.name}: every ${SAMPLE}th flight, weeks ${LAST_TRAINING_WEEK + 1}-${replay.lastWeek}`);
  line(['policy', 'log loss', 'accuracy', 'mean |gap|', 'worst |gap|', 'jobs', 'promotions', 'that helped']);
  for (const policy of POLICIES) line(await replay.run(policy));
  line(replay.ceiling());
}
