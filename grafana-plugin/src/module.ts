import { FieldColorModeId, FieldConfigProperty, PanelPlugin, ThresholdsMode } from '@grafana/data';
import { ScorecardPanel } from './components/ScorecardPanel';
import { DEFAULT_STEPS } from './data/levels';
import { DRIFT_STATISTICS } from './data/roles';
import { migrate } from './migrations';
import { ScorecardOptions } from './options';
import { suggest } from './suggestions';

const view = ['Models'];
const card = ['Card'];
const labels = ['Data labels'];
const retraining = ['Retraining'];

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
          options: [
            { value: 'auto', label: 'Auto' },
            { value: 'cards', label: 'Cards' },
            { value: 'compact', label: 'Compact' },
            { value: 'grid', label: 'Colour grid' },
            { value: 'table', label: 'Table' },
            { value: 'checks', label: 'Heat-map: models and checks' },
            { value: 'features', label: 'Heat-map: models and features' },
            { value: 'detail', label: 'One model and its features' },
          ],
        },
      })
      .addSelect({
        path: 'sortBy',
        name: 'Sort',
        category: view,
        defaultValue: 'worst',
        settings: {
          options: [
            { value: 'worst', label: 'Worst first' },
            { value: 'drop', label: 'Largest drop first' },
            { value: 'name', label: 'Name' },
          ],
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
          options: [
            { value: 'off', label: 'Off' },
            { value: 'link', label: 'Link' },
            { value: 'post', label: 'POST' },
          ],
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
