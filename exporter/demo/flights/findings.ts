import type { ModelHealth } from '../../client/model-monitor.ts';
import { styled, table } from '../console.ts';
import type { Cell } from '../console.ts';
import type { Flights } from './dataset.ts';
import { FIRST_DAY_MS, isLate, WEEK_MS, weekOf } from './features.ts';
import type { Trained, TrainedModel } from './models.ts';
import type { WeekFound } from './replay.ts';

/** What happened to the replayed flights of one week, computed here from the flights themselves. */
interface WeekTruth {
  readonly flights: number;
  readonly accuracy: number;
  readonly meanScore: number;
  readonly lateRate: number;
}

interface Week {
  readonly week: number;
  readonly truth: WeekTruth;
  readonly found: ModelHealth;
}

const HEADER = [
  'week of',
  'flights',
  'predicted',
  'came true',
  'calibration gap',
  'accuracy',
  'score drift KS',
  'drifted features',
  'health',
];

/** Both models' weeks beside the truth, and in words what stands out. */
export function describeFindings(flights: Flights, trained: Trained, found: readonly WeekFound[]): string {
  const parts = trained.models.map((model, m) => {
    const weeks = found.map(({ week, reports }): Week => {
      const truth = truthOf(flights, trained.replayed, model, week);
      return { week, truth, found: reports[m]! };
    });
    return `\n${styled('bold', model.features.name)}: monitor / truth; ! alert, ~ warning of the check\n${weeksTable(weeks)}\n\n${summary(model.features.name, weeks)}`;
  });
  return parts.join('\n');
}

function truthOf(flights: Flights, replayed: readonly number[], { scores }: TrainedModel, week: number): WeekTruth {
  let n = 0;
  let correct = 0;
  let scoreSum = 0;
  let late = 0;
  for (const flight of replayed) {
    if (weekOf(flights, flight) !== week) continue;
    const score = scores[flight]!;
    const wasLate = isLate(flights, flight);
    n++;
    correct += Number(score > 0.5 === wasLate);
    scoreSum += score;
    late += Number(wasLate);
  }
  return { flights: n, accuracy: correct / n, meanScore: scoreSum / n, lateRate: late / n };
}

/** What the report says of one figure; NaN where it says nothing. */
function figure({ checks }: ModelHealth, check: string, name: string): number {
  const value = checks[check]?.[name];
  return typeof value === 'number' ? value : NaN;
}

function driftedFeatures({ checks }: ModelHealth): number {
  const drifted = checks.data_drift?.drifted_features;
  return Array.isArray(drifted) ? drifted.length : NaN;
}

const three = (value: number) => (Number.isNaN(value) ? '-' : value.toFixed(3).replace(/^(-?)0\./, '$1.'));
const monitored = ({ found }: Week, name: string) => figure(found, 'performance', name);

function weeksTable(weeks: readonly Week[]): string {
  return table(
    HEADER,
    weeks.map((week): Cell[] => {
      const { truth, found } = week;
      const gap = truth.meanScore - truth.lateRate;
      return [
        { text: new Date(FIRST_DAY_MS + week.week * WEEK_MS).toISOString().slice(0, 10) },
        { text: `${figure(found, 'performance', 'samples')} / ${truth.flights}` },
        { text: `${three(monitored(week, 'mean_score'))} / ${three(truth.meanScore)}` },
        { text: `${three(monitored(week, 'observed_rate'))} / ${three(truth.lateRate)}` },
        marked(found, 'performance', `${three(monitored(week, 'calibration_gap'))} / ${three(gap)}`),
        { text: `${three(monitored(week, 'recent_accuracy'))} / ${three(truth.accuracy)}` },
        marked(found, 'prediction_drift', three(figure(found, 'prediction_drift', 'ks_statistic'))),
        marked(found, 'data_drift', `${driftedFeatures(found)}`),
        { text: found.overall_health?.toFixed(1) ?? '-' },
      ];
    }),
  );
}

function marked({ checks }: ModelHealth, check: string, text: string): Cell {
  const state = checks[check]?.state;
  if (state === 'alert') return { text: `${text} !`, style: 'red' };
  return state === 'warning' ? { text: `${text} ~`, style: 'yellow' } : { text: `${text}  ` };
}

/** Sentences from the figures alone: with other data they would say something else. */
function summary(name: string, weeks: readonly Week[]): string {
  if (weeks.length === 0) return 'No week was replayed to its end.';
  const gapChange = (week: Week) => monitored(week, 'calibration_gap_change');
  const worst = weeks.reduce((a, b) => (gapChange(b) > gapChange(a) ? b : a));
  const baselineAccuracy = monitored(worst, 'baseline_accuracy');
  const alerted = weeks.filter(({ found }) => found.checks.performance?.state === 'alert');
  const drifting = weeks.filter(({ found }) => found.checks.data_drift?.state === 'alert');
  const scoreDrift = weeks.map(({ found }) => figure(found, 'prediction_drift', 'ks_statistic'));
  const accuracyDirection = monitored(worst, 'recent_accuracy') >= baselineAccuracy ? 'rose' : 'fell';
  return [
    `Calibration was furthest off in week ${worst.week}: ${name} foretold ${three(monitored(worst, 'mean_score'))}, ${three(monitored(worst, 'observed_rate'))} came true ` +
      `(really ${three(worst.truth.meanScore)} and ${three(worst.truth.lateRate)}),`,
    `a change of ${three(gapChange(worst))} against the baseline. Accuracy ${accuracyDirection} meanwhile, from ${three(baselineAccuracy)} to ${three(monitored(worst, 'recent_accuracy'))}.`,
    `The score's KS statistic stayed between ${three(Math.min(...scoreDrift))} and ${three(Math.max(...scoreDrift))}.`,
    `Performance was in alert in ${alerted.length} of ${weeks.length} weeks, data drift in ${drifting.length}.`,
  ].join('\n');
}
