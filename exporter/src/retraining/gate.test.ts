import { describe, expect, test } from '@jest/globals';
import { DEFAULT_RETRAINING } from '../domain/retraining-settings.ts';
import type { GateSettings } from '../domain/retraining-settings.ts';
import { judgeCandidate } from './gate.ts';
import type { GateInput, GateRow } from './gate.ts';

const answer = (score: number) => ({ prediction: score > 0.5 ? 'late' : 'on time', score, likelihood: null });

/** Truth of a fifth late; each side scores `sure` where it is right and the opposite in `wrong` of a hundred rows, each at rows of its own. */
function rows(
  n: number,
  champion: { sure: number; wrong: number },
  candidate: { sure: number; wrong: number },
): GateRow[] {
  const side = (i: number, late: boolean, { sure, wrong }: { sure: number; wrong: number }, step: number) => {
    const errs = (i * step) % 100 < wrong;
    return answer(late !== errs ? sure : 1 - sure);
  };
  return Array.from({ length: n }, (_, i) => {
    const late = i % 5 === 0;
    return {
      y: late ? 'late' : 'on time',
      champion: side(i, late, champion, 37),
      candidate: side(i, late, candidate, 73),
    };
  });
}

function input(
  gateRows: readonly GateRow[],
  more: Partial<GateInput> = {},
  settings: Partial<GateSettings> = {},
): GateInput {
  return {
    task: 'binary',
    positiveClass: 'late',
    rows: gateRows,
    holdoutRows: gateRows.length,
    champion: { version: '1', degraded: false, baselineFigure: null },
    settings: { ...DEFAULT_RETRAINING.gate, ...settings },
    accuracyDrop: 0.05,
    ...more,
  };
}

const GOOD = { sure: 0.9, wrong: 5 };
const FAIR = { sure: 0.9, wrong: 10 };
const DEGRADED = { version: '1', degraded: true, baselineFigure: null };

describe('judgeCandidate', () => {
  test.each<readonly [string, GateInput, string, RegExp]>([
    ['better beyond chance', input(rows(2_000, FAIR, GOOD)), 'approve', /better than the champion/],
    ['worse beyond chance', input(rows(2_000, GOOD, FAIR)), 'reject', /worse than the champion/],
    [
      'worse than a degraded champion',
      input(rows(2_000, GOOD, FAIR), { champion: DEGRADED }),
      'reject',
      /worse than the champion/,
    ],
    [
      'as good as a healthy champion',
      input(rows(2_000, GOOD, GOOD)),
      'inconclusive',
      /not better than a healthy champion/,
    ],
    [
      'as good as a degraded one, within a wide tolerance',
      input(rows(2_000, GOOD, GOOD), { champion: DEGRADED }, { tolerance: 0.3 }),
      'approve',
      /no worse than a degraded/,
    ],
    [
      'as good as a degraded one, with a narrow tolerance',
      input(rows(2_000, GOOD, GOOD), { champion: DEGRADED }, { tolerance: 0.001 }),
      'inconclusive',
      /could still be worse/,
    ],
    ['too few rows', input(rows(400, FAIR, GOOD)), 'inconclusive', /fewer than gate.min_rows/],
    [
      'a holdout that was answered in part',
      input(rows(1_900, FAIR, GOOD), { holdoutRows: 2_000 }),
      'reject',
      /answered 1900 of 2000/,
    ],
    ['no rows at all', input([], { holdoutRows: 0 }), 'inconclusive', /0 rows/],
    [
      'an absolute minimum',
      input(rows(2_000, FAIR, GOOD), {}, { minAccuracy: 0.99 }),
      'reject',
      /accuracy 0.95 is below gate.min_accuracy/,
    ],
    [
      'an absolute maximum',
      input(rows(2_000, FAIR, GOOD), {}, { maxLogLoss: 0.1 }),
      'reject',
      /log_loss .* is above gate.max_log_loss/,
    ],
    [
      'so much below the baseline that it would raise the alarm',
      input(rows(2_000, { sure: 0.9, wrong: 30 }, FAIR), { champion: { ...DEGRADED, baselineFigure: 0.97 } }),
      'reject',
      /below the baseline/,
    ],
    [
      'one that learnt nothing',
      input(rows(2_000, { sure: 0.6, wrong: 60 }, { sure: 0.9, wrong: 40 }), { champion: DEGRADED }),
      'reject',
      /constant answer/,
    ],
  ])('%s', (_name, given, verdict, reason) => {
    const gate = judgeCandidate(given);
    expect(gate.reasons.join('; ')).toMatch(reason);
    expect(gate.verdict).toBe(verdict);
  });

  test('figures by hand', () => {
    const gate = judgeCandidate(
      input(
        [
          { y: 'late', champion: answer(0.8), candidate: answer(0.9) },
          { y: 'on time', champion: answer(0.4), candidate: answer(0.1) },
          { y: 'on time', champion: answer(0.6), candidate: answer(0.2) },
          { y: 'late', champion: answer(0.5), candidate: answer(0.7) },
        ],
        {},
        { minRows: 2 },
      ),
    );
    expect(gate.champion).toMatchObject({ accuracy: 0.5, rocAuc: 0.75 });
    expect(gate.candidate).toMatchObject({ accuracy: 1, rocAuc: 1 });
    expect(gate.scoreDistance).toBe(0.5);
    expect(gate.candidate!.logLoss).toBeCloseTo(
      -(Math.log(0.9) + Math.log(0.9) + Math.log(0.8) + Math.log(0.7)) / 4,
      12,
    );
    expect(gate.candidate!.brierScore).toBeCloseTo((0.01 + 0.01 + 0.04 + 0.09) / 4, 12);
    expect(gate.candidate!.calibrationGap).toBeCloseTo((0.9 + 0.1 + 0.2 + 0.7) / 4 - 0.5, 12);
  });

  test('without scores: by how often both are wrong', () => {
    const plain = rows(2_000, FAIR, GOOD).map(({ y, champion, candidate }) => ({
      y,
      champion: { ...champion, score: null },
      candidate: { ...candidate, score: null },
    }));
    expect(judgeCandidate(input(plain))).toMatchObject({
      verdict: 'approve',
      loss: 'zero_one',
      candidate: { accuracy: 0.95, logLoss: null },
    });
  });

  test('how far the scores moved is known for whatever has scores, without deciding anything', () => {
    const sure = Array.from({ length: 900 }, (_, i) => ({
      y: ['a', 'b', 'c'][i % 3]!,
      champion: { prediction: 'a', score: i < 30 ? null : 0.99, likelihood: 0.3 },
      candidate: { prediction: 'a', score: 0.4 + i / 9_000, likelihood: 0.5 },
    }));
    const several = { task: 'multiclass', positiveClass: null } as const;
    expect(judgeCandidate(input(sure, several))).toMatchObject({ verdict: 'approve', scoreDistance: 1 });
    const scoreless = sure.map((row) => ({ ...row, candidate: { ...row.candidate, score: null } }));
    expect(judgeCandidate(input(scoreless, several))).toMatchObject({ verdict: 'approve', scoreDistance: null });
  });

  test('several classes: by the probability that each gave to the one that came true', () => {
    const classes = ['a', 'b', 'c'];
    const several = (champion: number | null, candidate: number) =>
      Array.from({ length: 900 }, (_, i) => {
        const y = classes[i % 3]!;
        return {
          y,
          champion: { prediction: y, score: null, likelihood: champion },
          candidate: { prediction: y, score: null, likelihood: i % 10 === 0 ? candidate / 2 : candidate },
        };
      });
    const judged = (champion: number | null, candidate: number) =>
      judgeCandidate(input(several(champion, candidate), { task: 'multiclass', positiveClass: null }));
    expect(judged(0.5, 0.9)).toMatchObject({ verdict: 'approve', loss: 'log_loss', candidate: { accuracy: 1 } });
    expect(judged(0.5, 0.9).candidate!.logLoss).toBeCloseTo(-(9 * Math.log(0.9) + Math.log(0.45)) / 10, 12);
    // Right every time, and less sure than the shares of the classes are.
    expect(judged(0.5, 0.3)).toMatchObject({ verdict: 'reject' });
    expect(judged(0.5, 0.3).reasons.join()).toMatch(/constant answer.*worse than the champion/);
    expect(judged(null, 0.9)).toMatchObject({ loss: 'zero_one', candidate: { logLoss: null } });
  });

  test('a regression: by the absolute error', () => {
    const numbers = Array.from({ length: 1_000 }, (_, i) => {
      const y = (i * 37) % 100;
      return {
        y,
        champion: { prediction: y + 5, score: null, likelihood: null },
        candidate: { prediction: y + (i % 2 === 0 ? 2 : -2), score: null, likelihood: null },
      };
    });
    const gate = judgeCandidate(input(numbers, { task: 'regression', positiveClass: null }));
    expect(gate).toMatchObject({
      verdict: 'approve',
      loss: 'absolute_error',
      champion: { meanAbsoluteError: 5 },
      candidate: { rootMeanSquaredError: 2 },
    });
    expect(
      judgeCandidate(
        input(numbers, { task: 'regression', positiveClass: null, champion: { ...DEGRADED, baselineFigure: 1.5 } }),
      ),
    ).toMatchObject({
      verdict: 'reject',
    });
  });
});
