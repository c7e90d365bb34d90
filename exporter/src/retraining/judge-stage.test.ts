import { describe, expect, test } from '@jest/globals';
import type { VersionTraffic } from '../domain/retraining.ts';
import { DEFAULT_RETRAINING } from '../domain/retraining-settings.ts';
import { judgeStage } from './judge-stage.ts';
import type { StageInput, StageTraffic } from './judge-stage.ts';

const HOUR = 3_600_000;
const FINE: VersionTraffic = {
  predictions: 1_000,
  errors: 5,
  p95LatencyMs: 20,
  meanScore: 0.3,
  labelled: 500,
  meanLoss: 0.4,
  lossVariance: 0.2,
};
const EVEN = Array.from({ length: 500 }, (_, i) => i / 500);

function at(traffic: Partial<StageTraffic>, elapsedMs = 2 * HOUR, percent = 25): StageInput {
  return {
    stage: { percent, minTimeMs: HOUR, minPredictions: 500, minLabels: 100 },
    settings: DEFAULT_RETRAINING.rollout,
    elapsedMs,
    scoreDistance: 0,
    traffic: {
      champion: FINE,
      candidate: FINE,
      slow: { beyond: 10, of: 1_000 },
      scores: { champion: EVEN, candidate: EVEN },
      ...traffic,
    },
  };
}

const MOVED = { scores: { champion: EVEN, candidate: EVEN.map((score) => 0.7 + score / 4) } };
const WORSE = { ...FINE, meanLoss: 0.6 };

describe('judgeStage', () => {
  test.each<readonly [string, StageInput, string, RegExp]>([
    ['everything as it should be', at({}), 'pass', /1000 predictions/],
    ['before its time', at({}, HOUR / 2), 'wait', /least time/],
    ['with few predictions', at({ candidate: { ...FINE, predictions: 499 } }), 'wait', /499 of 500/],
    ['with few labels', at({ candidate: { ...FINE, labelled: 99 } }), 'wait', /99 of 100 labels/],
    [
      'traffic that did not shift',
      at({ candidate: { ...FINE, predictions: 600 }, champion: { ...FINE, predictions: 20_000 } }),
      'wait',
      /traffic has not shifted/,
    ],
    [
      'no traffic',
      at({ candidate: { ...FINE, predictions: 0, labelled: 0, errors: 0, meanLoss: null } }),
      'wait',
      /0 of 500/,
    ],
    [
      'no traffic until the end',
      at({ candidate: { ...FINE, predictions: 0, labelled: 0, errors: 0, meanLoss: null } }, 25 * HOUR),
      'inconclusive',
      /0 of 500/,
    ],
    [
      'errors beyond chance, at once',
      at({ candidate: { ...FINE, errors: 60 } }, 1_000),
      'fail',
      /error rate higher by 0.055/,
    ],
    ['a few more errors', at({ candidate: { ...FINE, errors: 12 } }), 'pass', /12 errors/],
    [
      'slow answers, at once',
      at({ slow: { beyond: 100, of: 1_000 }, candidate: { ...FINE, p95LatencyMs: 80 } }, 1_000),
      'fail',
      /longer than 1.5 times/,
    ],
    ['slow answers of too few', at({ slow: { beyond: 20, of: 40 } }), 'pass', /./],
    ['scores far from the champion', at(MOVED, 1_000), 'fail', /scores are far/],
    ['scores no farther than the gate saw them, and found good', { ...at(MOVED), scoreDistance: 0.6 }, 'pass', /./],
    ['scores that nobody saw at the gate', { ...at(MOVED), scoreDistance: null }, 'fail', /the gate saw none/],
    [
      'the same where any distance is allowed',
      { ...at(MOVED), scoreDistance: null, settings: { ...DEFAULT_RETRAINING.rollout, maxScoreDrift: 1 } },
      'pass',
      /./,
    ],
    [
      'scores that moved a little',
      at({ scores: { champion: EVEN, candidate: EVEN.map((score) => score ** 1.5) } }),
      'pass',
      /./,
    ],
    ['worse by ground truth holds the stage', at({ candidate: WORSE }), 'wait', /worse by ground truth/],
    ['and fails it in the end', at({ candidate: WORSE }, 25 * HOUR), 'fail', /worse by ground truth/],
    [
      'a shadow needs no share of the traffic',
      at({ champion: { ...FINE, predictions: 100_000 } }, 2 * HOUR, 0),
      'pass',
      /./,
    ],
  ])('%s: %s', (_name, input, verdict, reason) => {
    const judged = judgeStage(input);
    expect(judged.reasons.join('; ')).toMatch(reason);
    expect(judged.verdict).toBe(verdict);
  });
});
