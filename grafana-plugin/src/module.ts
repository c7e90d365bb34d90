import { FieldColorModeId, FieldConfigProperty, PanelPlugin, ThresholdsMode } from '@grafana/data';
import { ScorecardPanel } from './components/ScorecardPanel';
import { DEFAULT_STEPS } from './data/levels';
import { DRIFT_STATISTICS } from './data/roles';
import { migrate } from './migrations';
import { LAYOUT_WORDS, ScorecardOptions, SORT_WORDS } from './options';
import { suggest } from './suggestions';

const view = ['Models'];
const card = ['Card'];
const labels = ['Data labels'];
const retraining = ['Retraining'];

const choices = <T extends string>(words: Readonly<Record<T, string>>) =>
  (Object.entries(words) as Array<[T, string]>).map(([value, label]) => ({ value, label }));

export const plugin = new PanelPlugin<ScorecardOptions>(ScorecardPanel)
  .useFieldConfig({
    disableStandardOptions: [FieldConfigProperty.Filterable],
    standardOptions: {
      [FieldConfigProperty.Max]: { defaultValue: 100 },
      [FieldConfigProperty.Color]: {
        defaultValue: { mode: FieldColorModeId.Thresholds },
        settings: { byValueSupport: true },
      },
      [FieldConfigProperty.Thresholds]: { defaultValue: { mode: ThresholdsMode.Absolute, steps: DEFAULT_STEPS } },
    },
  })
  .setPanelOptions((builder) =>
    builder
      .addSelect({
        path: 'layout',
        name: 'Layout',
        description: 'Auto: by count and room.',
        category: view,
        defaultValue: 'auto',
        settings: {
          options: choices({ auto: 'Auto', ...LAYOUT_WORDS }),
        },
      })
      .addSelect({
        path: 'sortBy',
        name: 'Sort',
        category: view,
        defaultValue: 'worst',
        settings: {
          options: choices(SORT_WORDS),
        },
      })
      .addTextInput({
        path: 'groupBy',
        name: 'Group by label',
        description: 'Such as team. Empty: none.',
        category: view,
        defaultValue: '',
      })
      .addBooleanSwitch({ path: 'showToolbar', name: 'Toolbar', category: view, defaultValue: true })
      .addTextInput({
        path: 'staleAfter',
        name: 'Stale after',
        description: 'Without a prediction or a score for so long: 30m, 1d. Empty: never.',
        category: view,
        defaultValue: '1h',
      })
      .addSliderInput({
        path: 'minCardWidth',
        name: 'Minimum width',
        category: card,
        defaultValue: 240,
        settings: { min: 180, max: 480, step: 10 },
      })
      .addBooleanSwitch({ path: 'showChecks', name: 'Checks', category: card, defaultValue: true })
      .addBooleanSwitch({ path: 'showSparkline', name: 'Sparkline', category: card, defaultValue: true })
      .addBooleanSwitch({ path: 'showDrift', name: 'Drifted features', category: card, defaultValue: true })
      .addNumberInput({
        path: 'maxDriftFeatures',
        name: 'Drifted features listed',
        category: card,
        defaultValue: 3,
        settings: { min: 1, max: 20, integer: true },
        showIf: ({ showDrift }) => showDrift,
      })
      .addSelect({
        path: 'driftStatistic',
        name: 'Drift statistic',
        description: 'Auto: the first of these.',
        category: card,
        defaultValue: 'auto',
        settings: {
          options: [
            { value: 'auto', label: 'Auto' },
            ...DRIFT_STATISTICS.map(({ key, name }) => ({ value: key, label: `${name} (${key})` })),
          ],
        },
      })
      .addNumberInput({
        path: 'driftThreshold',
        name: 'Drift threshold',
        description: '0: ml_alert_threshold of the queries, else the usual one.',
        category: card,
        defaultValue: 0,
        settings: { min: 0, step: 0.05 },
      })
      .addTextInput({ path: 'modelLabel', name: 'Model', category: labels, defaultValue: 'model' })
      .addTextInput({ path: 'versionLabel', name: 'Version', category: labels, defaultValue: 'version' })
      .addTextInput({ path: 'checkLabel', name: 'Check', category: labels, defaultValue: 'check' })
      .addTextInput({ path: 'featureLabel', name: 'Feature', category: labels, defaultValue: 'feature' })
      .addRadio({
        path: 'retrainMode',
        name: 'Retrain button',
        category: retraining,
        defaultValue: 'off',
        settings: {
          options: choices({ off: 'Off', link: 'Link', post: 'POST' }),
        },
      })
      .addTextInput({
        path: 'retrainUrl',
        name: 'URL',
        description:
          'May hold ${model} and ${version}. A panel keeps no secrets: take a data source proxy path where credentials are needed.',
        category: retraining,
        defaultValue: '',
        showIf: ({ retrainMode }) => retrainMode !== 'off',
      })
      .addTextInput({
        path: 'retrainConfirm',
        name: 'Question',
        description: 'Asked before the POST.',
        category: retraining,
        defaultValue: '',
        showIf: ({ retrainMode }) => retrainMode === 'post',
      })
  )
  .setMigrationHandler(migrate)
  .setSuggestionsSupplier(suggest);
