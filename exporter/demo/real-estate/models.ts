import type { Random } from '../random.ts';

export type Features = Record<string, number | string | null>;
export type Answer =
  | { readonly prediction: string; readonly score: number }
  | { readonly prediction: string; readonly scores: Readonly<Record<string, number>> }
  | { readonly prediction: number };

/** One model of an estate agency, and the small world that it foretells. */
export interface SimulatedModel {
  readonly name: string;
  readonly medianLatencyMs: number;
  /** The feature that a fault of missing values takes away. */
  readonly oftenMissing: string;
  /** A world as in training. */
  draw(random: Random): Features;
  /** The feature that a drift moves, in place. */
  drift(features: Features): void;
  answer(features: Features): Answer;
  /** What comes true. `degraded`: the world no longer follows what the model has learnt. */
  truth(features: Features, answer: Answer, random: Random, degraded: boolean): string | number;
}

const REGIONS = ['north', 'south', 'east', 'west', 'centre'];
const REGION_PULL: Readonly<Record<string, number>> = { north: -0.5, south: 0.4, east: 0, west: 0.2, centre: 0.6 };
/** Share of labels that no longer follow the model when its accuracy is degraded. */
const DEGRADED = 0.45;

const numeric = (features: Features, name: string) => Number(features[name] ?? 0);
const rounded = (value: number, digits = 0) => Math.round(value * 10 ** digits) / 10 ** digits;

const moveProbability: SimulatedModel = {
  name: 'move_probability',
  medianLatencyMs: 12,
  oftenMissing: 'income',
  draw: (random) => ({
    tenure_years: rounded(random.exponential(8), 1),
    home_equity: rounded(Math.max(0, random.normal(180_000, 70_000))),
    household_size: random.integer(1, 6),
    income: random.chance(0.04) ? null : rounded(Math.exp(random.normal(11, 0.4))),
    region: random.pick(REGIONS),
  }),
  drift: (features) => {
    features.tenure_years = rounded(numeric(features, 'tenure_years') * 0.35, 1);
  },
  answer: (features) => {
    const raw =
      -2.2 +
      0.3 * Math.min(numeric(features, 'tenure_years'), 20) -
      (numeric(features, 'home_equity') - 180_000) / 60_000 +
      REGION_PULL[String(features.region)]!;
    const score = rounded(1 / (1 + Math.exp(-raw)), 4);
    return { prediction: score > 0.5 ? '1' : '0', score };
  },
  truth: (_features, answer, random, degraded) => {
    const moved = random.chance('score' in answer ? answer.score : 0.5);
    return moved !== (degraded && random.chance(DEGRADED)) ? '1' : '0';
  },
};

/** A model that chooses between classes by a raw value for each. */
function classifier(
  classes: readonly string[],
  rawValues: (features: Features) => readonly number[],
): Pick<SimulatedModel, 'answer' | 'truth'> {
  return {
    answer: (features) => {
      const weights = rawValues(features).map(Math.exp);
      const sum = weights.reduce((a, b) => a + b, 0);
      const scores = weights.map((weight) => rounded(weight / sum, 4));
      const prediction = classes[scores.indexOf(Math.max(...scores))]!;
      return { prediction, scores: Object.fromEntries(classes.map((name, c) => [name, scores[c]!])) };
    },
    truth: (_features, answer, random, degraded) => {
      if (degraded && random.chance(DEGRADED)) return random.pick(classes);
      const scores = 'scores' in answer ? answer.scores : {};
      return classes[random.weighted(classes.map((name) => scores[name] ?? 0))]!;
    },
  };
}

const transactionType: SimulatedModel = {
  name: 'transaction_type',
  medianLatencyMs: 18,
  oftenMissing: 'mortgage_rate',
  draw: (random) => ({
    age: random.integer(22, 84),
    mortgage_rate: rounded(Math.max(0.5, random.normal(4.2, 0.9)), 2),
    owner: random.pick(['yes', 'yes', 'no']),
    listings_viewed: Math.floor(random.exponential(6)),
    region: random.pick(REGIONS),
  }),
  drift: (features) => {
    features.mortgage_rate = rounded(numeric(features, 'mortgage_rate') + 2.5, 2);
  },
  ...classifier(['sale', 'purchase', 'rental', 'refinance'], (features) => {
    const owner = features.owner === 'yes' ? 1 : -1;
    const viewed = numeric(features, 'listings_viewed');
    return [
      1.6 * owner + (numeric(features, 'age') - 50) / 14,
      0.35 * (viewed - 5) + 0.4 * owner,
      -2 * owner + 1,
      1.2 * owner + 1.4 * (4.2 - numeric(features, 'mortgage_rate')),
    ];
  }),
};

const contactTiming: SimulatedModel = {
  name: 'contact_timing',
  medianLatencyMs: 6,
  oftenMissing: 'last_contact_days',
  draw: (random) => ({
    age: random.integer(22, 84),
    employment: random.pick(['full_time', 'full_time', 'part_time', 'retired']),
    children: random.integer(0, 3),
    last_contact_days: Math.floor(random.exponential(30)),
    channel: random.pick(['phone', 'email', 'web']),
  }),
  drift: (features) => {
    features.last_contact_days = numeric(features, 'last_contact_days') + 60;
  },
  ...classifier(['morning', 'afternoon', 'evening', 'weekend'], (features) => {
    const works = features.employment === 'full_time' ? 1 : features.employment === 'part_time' ? 0 : -1;
    const recent = numeric(features, 'last_contact_days') / 30;
    return [
      -1.8 * works + (numeric(features, 'age') - 50) / 15,
      -1.2 * works + (features.channel === 'phone' ? 1.5 : 0),
      1.8 * works + 0.5 * numeric(features, 'children'),
      1.2 * works + 0.8 * recent - 0.8,
    ];
  }),
};

const NEIGHBOURHOODS: Readonly<Record<string, number>> = {
  harbour: 1.3,
  old_town: 1.2,
  hillside: 1.1,
  riverside: 1,
  station: 0.85,
  outskirts: 0.7,
};

const propertyValue: SimulatedModel = {
  name: 'property_value',
  medianLatencyMs: 25,
  oftenMissing: 'renovated_years_ago',
  draw: (random) => ({
    living_area_m2: rounded(Math.max(25, random.normal(110, 35))),
    rooms: random.integer(1, 7),
    built_years_ago: random.integer(0, 110),
    renovated_years_ago: random.chance(0.05) ? null : random.integer(0, 40),
    neighbourhood: random.pick(Object.keys(NEIGHBOURHOODS)),
  }),
  drift: (features) => {
    features.living_area_m2 = rounded(numeric(features, 'living_area_m2') * 1.5);
  },
  answer: (features) => ({
    prediction: rounded(
      (60_000 + 3_200 * numeric(features, 'living_area_m2') - 700 * numeric(features, 'built_years_ago')) *
        NEIGHBOURHOODS[String(features.neighbourhood)]!,
    ),
  }),
  truth: (_features, answer, random, degraded) =>
    rounded(Number(answer.prediction) * random.normal(degraded ? 1.2 : 1, 0.08)),
};

export const MODELS: readonly SimulatedModel[] = [moveProbability, transactionType, contactTiming, propertyValue];

/** What a model says that was built wrongly: the input is as ever, the answers are not. The truth does not follow them. */
export function shifted(answer: Answer): Answer {
  if ('score' in answer) {
    const score = rounded(Math.sqrt(answer.score), 4);
    return { prediction: score > 0.5 ? '1' : '0', score };
  }
  if (!('scores' in answer)) return { prediction: rounded(answer.prediction * 1.25) };
  // Half of what it believes goes to its first class.
  const names = Object.keys(answer.scores);
  const scores = Object.fromEntries(
    names.map((name, c) => [name, rounded(answer.scores[name]! / 2 + (c === 0 ? 0.5 : 0), 4)]),
  );
  return { prediction: names.reduce((best, name) => (scores[name]! > scores[best]! ? name : best)), scores };
}
