import { series, NOW } from '../test/frames';
import { countStatuses, filterModels, groupLabels, groupModels, reasonsOf, sortModels } from './arrange';
import { readModels } from './models';

const model = (name: string, values: Array<number | null>, states: Record<string, string> = {}, team = 'a') => [
  series('ml_model_health_score', { model: name, team }, values),
  ...Object.entries(states).map(([check, state]) => series('ml_model_check_state', { model: name, check, state }, [1])),
];
const models = readModels(
  [
    ...model('ten', [95, 95]),
    ...model('bad', [20, 20], { latency: 'alert', data_drift: 'alert', performance: 'warning' }, 'b'),
    ...model('lost', [null, null]),
    ...model('falls', [90, 60]),
    ...model('sly', [96, 96], { latency: 'alert' }),
    ...model('model 2', [80, 80]),
    ...model('model 10', [80, 80]),
  ],
  {
    modelLabel: 'model',
    versionLabel: 'version',
    checkLabel: 'check',
    featureLabel: 'feature',
    staleAfter: '1h',
    driftStatistic: 'auto',
    driftThreshold: 0,
    now: NOW,
  }
);
const names = (list: typeof models) => list.map(({ name }) => name);

test.each([
  ['worst', ['bad', 'falls', 'sly', 'lost', 'model 2', 'model 10', 'ten']],
  ['drop', ['falls', 'bad', 'lost', 'model 2', 'model 10', 'sly', 'ten']],
  ['name', ['bad', 'falls', 'lost', 'model 2', 'model 10', 'sly', 'ten']],
] as const)('sorted by %s', (by, expected) => expect(names(sortModels(models, by))).toEqual(expected));

test.each([
  ['words in any order', { filter: null, search: '2 MODEL' }, ['model 2']],
  ['a status', { filter: 'unknown', search: '' }, ['lost']],
  ['what is in alert, whatever its score', { filter: 'alert', search: '' }, ['bad', 'sly']],
  ['nothing', { filter: 'poor', search: 'ten' }, []],
] as const)('filtered by %s', (_, shown, expected) => expect(names(filterModels(models, shown))).toEqual(expected));

test('each model counts once', () => {
  expect(countStatuses(models)).toEqual({ poor: 1, fair: 1, stale: 0, unknown: 1, good: 2, excellent: 2 });
});

test('groups by a label; a model without it is in a group of its own kind', () => {
  expect(groupModels(models, 'team').map(({ name, models }) => [name, models.length])).toEqual([
    ['a', 6],
    ['b', 1],
  ]);
  expect(groupModels(models, 'env').map(({ name }) => name)).toEqual(['no env']);
});

test('grouped by labels that some models share, and that are not who they are', () => {
  expect(groupLabels(models, ['model', 'version'])).toEqual(['team']);
  expect(groupLabels(models, ['team'])).toEqual([]);
  expect(groupLabels([], [])).toEqual([]);
});

test('the reasons are the checks in alert, or else those in warning', () => {
  expect(reasonsOf(models[1]).map(({ name }) => name)).toEqual(['latency', 'data_drift']);
  expect(reasonsOf(models[0])).toEqual([]);
});
