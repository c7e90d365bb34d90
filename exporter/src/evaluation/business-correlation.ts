import type { BusinessCorrelation, WeekFigures } from '../domain/weekly-report.ts';
import { rankCorrelation } from '../statistics/spearman.ts';

/** Fewer weeks have an interval that spans nearly everything, whatever the coefficient. */
export const FEWEST_WEEKS = 8;

const FIGURES = [
  ['overall_health', ({ healthScore }: WeekFigures) => healthScore],
  ['performance', ({ performance }: WeekFigures) => performance],
  ['drift', ({ drift }: WeekFigures) => drift],
] as const;

/**
 * Whether a business figure moves with a model's health, performance and drift, week by week. A coefficient never comes without the
 * number of weeks and its interval, and not at all from too few of them. It is no proof of a cause: whatever grows over the weeks goes along with
 * whatever else does.
 *
 * @param weeks figures of the model, one entry a week
 * @param business mean of the business figure by week
 */
export function correlateWithBusiness(
  weeks: readonly WeekFigures[],
  business: ReadonlyMap<number, number>,
): readonly BusinessCorrelation[] {
  return FIGURES.map(([figure, of]) => {
    const both = weeks.filter((week) => !Number.isNaN(of(week)) && business.has(week.weekMs));
    if (both.length < FEWEST_WEEKS)
      return {
        figure,
        weeks: both.length,
        ...NOTHING,
        reason: `too few weeks: ${both.length} have both figures, ${FEWEST_WEEKS} are needed`,
      };
    const { pairs, ...found } = rankCorrelation(
      both.map(of),
      both.map(({ weekMs }) => business.get(weekMs)!),
    );
    return { figure, weeks: pairs, ...found, reason: reasonOf(found) };
  });
}

const NOTHING = { coefficient: NaN, lower: NaN, upper: NaN };

function reasonOf({
  coefficient,
  lower,
  upper,
}: Omit<BusinessCorrelation, 'figure' | 'weeks' | 'reason'>): string | null {
  if (Number.isNaN(coefficient)) return 'one of the figures was the same in all weeks';
  return lower <= 0 && upper >= 0 ? 'the interval holds zero: these weeks show no connection' : null;
}
