import { describe, expect, test } from '@jest/globals';
import { testTarget } from '../../test/support/model-target.ts';
import type { FeatureKind } from '../histogram/model-columns.ts';
import type { Envelope } from './envelope.ts';
import { toPrediction } from './formats/prediction-event.ts';
import { className, TargetWants } from './target-wants.ts';

const target = testTarget();

function envelope(event: Readonly<Record<string, unknown>>): Envelope {
  const row = toPrediction(event, 0);
  if ('pointer' in row) throw new Error(row.detail);
  const { model = 'churn', version = '1', error = null } = event as Partial<Record<string, string>>;
  const outer = { id: 'a', timeMs: 0, stamped: false, latencyMs: NaN, segment: null, score: NaN };
  return { row, model, version, error, ...outer };
}

function underHeader(names: readonly string[], values: unknown): Envelope {
  const bare = envelope({});
  return { ...bare, row: { ...bare.row, features: { kind: 'row', names, values } } };
}

function wanting(maxFeatures = 500, kinds: Readonly<Record<string, FeatureKind>> = {}): TargetWants {
  const settings = {
    declaredKind: (_model: string, feature: string) => kinds[feature],
    segmentKeys: () => ['channel'],
  };
  return new TargetWants(settings, maxFeatures);
}

const featuresOf = (wants: TargetWants) => wants.list().map(({ features }) => [...features]);

test('a class of any name is registered with its first prediction, and counted under it from then on; a feature is refused', () => {
  const wants = wanting();
  expect(wants.note(envelope({ prediction: '__proto__', scores: { constructor: 0.5 } }), target)).toBeNull();
  expect(wants.list().map(({ classes }) => [...classes])).toEqual([['__proto__', 'constructor']]);
  const own = JSON.parse('{"__proto__": 1}') as unknown;
  expect(wants.note(envelope({ features: own }), target)).toMatchObject({ pointer: '/features' });
});

describe('missing', () => {
  test.each<readonly [string, Readonly<Record<string, unknown>>, boolean]>([
    ['nothing at all', {}, false],
    [
      'what is known',
      { features: { age: 1, region: 'n' }, prediction: 'yes', error: 'timeout', scores: { no: 1 } },
      false,
    ],
    ['a new feature', { features: { height: 1 } }, true],
    [
      'a new feature after those that are known, in their order',
      { features: { age: 1, region: 'n', height: 1 } },
      true,
    ],
    ['a new feature between them, and they in another order', { features: { region: 'n', height: 1, age: 1 } }, true],
    ['what is known in another order', { features: { region: 'n', age: 1 } }, false],
    ['a new feature without a value', { features: { height: null } }, false],
    ['features that are a list', { features: ['age'] }, false],
    ['a new class', { prediction: 'maybe' }, true],
    ['a whole number as a class', { prediction: 7 }, true],
    ['a fraction is no class', { prediction: 0.5 }, false],
    ['a class known only by its score', { scores: { maybe: 0.1 } }, true],
    ['a new error reason', { error: 'refused' }, true],
    ['names of object properties', { features: { constructor: 1 } }, true],
  ])('%s', (_name, event, missing) => expect(wanting().missing(envelope(event), target)).toBe(missing));

  test('under a header, a column counts where the row has a value', () => {
    expect(wanting().missing(underHeader(['age', 'height'], [1]), target)).toBe(false);
    expect(wanting().missing(underHeader(['age', 'height'], [1, null]), target)).toBe(false);
    expect(wanting().missing(underHeader(['age', 'height'], [1, 0]), target)).toBe(true);
    expect(wanting().missing(underHeader(['height'], 'no list'), target)).toBe(false);
  });

  test('a class that only the settings named is missing, also where there is room for no other', () => {
    const names = Array.from({ length: 200 }, (_, i) => [`n${i}`, i] as const);
    const configured = testTarget({ classCodes: new Map(names), onlyConfigured: new Set(['n7']) });
    expect(wanting().missing(envelope({ prediction: 'n7' }), configured)).toBe(true);
    expect(wanting().missing(envelope({ scores: { n6: 0.4, n7: 0.6 } }), configured)).toBe(true);
    expect(wanting().missing(envelope({ prediction: 'n6', scores: { n6: 1 } }), configured)).toBe(false);
  });

  test('full dictionaries take no more: the row is counted under "other"', () => {
    const numbered = (count: number) => new Map(Array.from({ length: count }, (_, i) => [`n${i}`, i]));
    const full = testTarget({ classCodes: numbered(200), errorCodes: numbered(100) });
    expect(wanting().missing(envelope({ prediction: 'new', scores: { other: 1 }, error: 'new' }), full)).toBe(false);
    const room = testTarget({ classCodes: numbered(199), errorCodes: numbered(99) });
    expect(wanting().missing(envelope({ prediction: 'new' }), room)).toBe(true);
    expect(wanting().missing(envelope({ error: 'new' }), room)).toBe(true);
  });
});

describe('note', () => {
  test('kinds are the declared ones, else those of the first value', () => {
    const wants = wanting(500, { postcode: 'categorical' });
    const first = { postcode: 1010, height: 1.8, colour: 'red', member: true, later: null };
    expect(wants.note(envelope({ features: first, prediction: 'maybe' }), undefined)).toBeNull();
    expect(wants.note(envelope({ features: { height: 'tall', later: 3 }, error: 'refused' }), undefined)).toBeNull();
    expect(wants.list()).toEqual([
      {
        model: 'churn',
        version: '1',
        segments: new Map(),
        features: new Map([
          ['postcode', 'categorical'],
          ['height', 'numeric'],
          ['colour', 'categorical'],
          ['member', 'categorical'],
          ['later', 'numeric'],
        ]),
        classes: new Set(['maybe']),
        errorReasons: new Set(['refused']),
      },
    ]);
  });

  test('each version of each model has its own want; what a target has is not wanted again', () => {
    const wants = wanting();
    wants.note(envelope({ features: { age: 1, height: 2 } }), target);
    wants.note(envelope({ features: { age: 1 }, version: '2' }), undefined);
    wants.note(envelope({ features: { age: 'old' }, model: 'fraud' }), undefined);
    expect(wants.list().map(({ model, version }) => `${model} ${version}`)).toEqual(['churn 1', 'churn 2', 'fraud 1']);
    expect(featuresOf(wants)).toEqual([[['height', 'numeric']], [['age', 'numeric']], [['age', 'categorical']]]);
  });

  test.each<readonly [string, Readonly<Record<string, unknown>>, RegExp, string?]>([
    ['an empty name', { '': 1 }, /^a name must not be empty$/],
    ['a long name', { ['f'.repeat(201)]: 1 }, /^the name "f{40}\.\.\." has 201 characters, at most 200 are allowed$/],
    ['NUL in a name', { 'a\0': 1 }, /^the name "a\\u0000" contains a NUL character$/],
    // PostgreSQL gets U+FFFD for it, so the name would be new, and appended, with every request.
    ['half a surrogate pair in a name', { '\ud800': 1 }, /^the name "\\ud800" contains half a surrogate pair$/],
    ['__proto__', JSON.parse('{"__proto__":1}') as Record<string, unknown>, /^a feature cannot be named __proto__$/],
    [
      'an object',
      { nested: {} },
      /^feature "nested" is an object; features are numbers, strings or booleans$/,
      '/features/nested',
    ],
    ['a list', { nested: [] }, /^feature "nested" is an array; /, '/features/nested'],
  ])('refuses a feature with %s, and wants nothing of its row', (_name, features, detail, pointer = '/features') => {
    const wants = wanting();
    const problem = wants.note(envelope({ features: { good: 1, ...features } }), undefined);
    expect(problem).toEqual({ pointer, detail: expect.stringMatching(detail) });
    expect(wants.list()).toEqual([]);
  });

  test('features of a request that many rows share count once towards the limit', () => {
    const wants = wanting(3);
    for (let i = 0; i < 5; i++) expect(wants.note(envelope({ features: { a: i, b: i, c: i } }), undefined)).toBeNull();
    const tooMany = { pointer: '/features', detail: 'more than 3 features are not allowed (limits.features)' };
    expect(wants.note(envelope({ features: { a: 1, d: 1 } }), undefined)).toEqual(tooMany);
    expect(featuresOf(wants)).toEqual([['a', 'b', 'c'].map((name) => [name, 'numeric'])]);
  });

  test('features that the model has count towards the limit: the row is refused here, not all rows by the catalog', () => {
    const wants = wanting(4);
    expect(wants.note(envelope({ features: { age: 1, height: 1 } }), target)).toBeNull();
    expect(wants.note(envelope({ features: { weight: 1 } }), target)).toMatchObject({ pointer: '/features' });
    const lowered = wanting(2);
    expect(lowered.note(envelope({ features: { age: 1 }, prediction: 'maybe' }), target)).toBeNull();
  });

  test('class names that cannot be stored are left out; scores name at most 200', () => {
    const scores = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`c${i}`, 0]));
    const wants = wanting();
    wants.note(envelope({ prediction: 'a\0', scores: { '': 1, 'b\0': 1, '\udc00': 1, ok: 1 } }), undefined);
    wants.note(envelope({ version: '2', scores }), undefined);
    expect(wants.list().map(({ classes }) => classes.size)).toEqual([1, 200]);
  });
});

test.each<readonly [unknown, string | null, string | null]>([
  ['yes', 'yes', null],
  [true, 'true', null],
  [1, '1', null],
  [-0, '0', null],
  [1.5, null, null],
  [2 ** 53, null, null],
  [null, null, null],
  [undefined, null, null],
  [{}, null, null],
])('the class of %p is %p, of a regression none', (prediction, name, ofRegression) => {
  expect(className(prediction, undefined)).toBe(name);
  expect(className(prediction, target)).toBe(name);
  expect(className(prediction, testTarget({ task: 'regression' }))).toBe(ofRegression);
});

describe('segments', () => {
  const target = testTarget({ segments: new Map([['channel', new Map([['web', 1]])]]) });

  test('of keys that are configured no longer, while rows are still counted by them', () => {
    const wants = wanting();
    const byTier = testTarget({ segments: new Map([['tier', new Map([['gold', 1]])]]) });
    expect(wants.missing(from({ tier: 'lead', channel: 'web' }), byTier)).toBe(true);
    expect(wants.note(from({ tier: 'lead', channel: 'web' }), byTier)).toBeNull();
    expect(wants.list()[0]!.segments).toEqual(
      new Map([
        ['channel', new Set(['web'])],
        ['tier', new Set(['lead'])],
      ]),
    );
  });
  const from = (segment: object | null): Envelope => ({
    ...envelope({}),
    segment: segment === null ? null : JSON.stringify(segment),
  });

  test.each([
    ['a known value', { channel: 'web' }, false],
    ['a new one', { channel: 'fax' }, true],
    ['of another key', { shop: 'x' }, false],
    ['none', null, false],
  ])('missing: %s', (_name, segment, missing) => expect(wanting().missing(from(segment), target)).toBe(missing));

  test('are noted by key, those of other keys are not', () => {
    const wants = wanting();
    for (const channel of ['fax', 'shop', 'fax']) wants.note(from({ channel, region: 'x' }), target);
    expect(wants.list()[0]!.segments).toEqual(new Map([['channel', new Set(['fax', 'shop'])]]));
  });
});
