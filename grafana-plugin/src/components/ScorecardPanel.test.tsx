import React, { ComponentProps } from 'react';
import {
  applyFieldOverrides,
  createTheme,
  dateTime,
  DataFrame,
  FieldConfigSource,
  getDefaultTimeRange,
  LoadingState,
  standardEditorsRegistry,
  standardFieldConfigEditorRegistry,
} from '@grafana/data';
import { setBackendSrv } from '@grafana/runtime';
import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { of, throwError } from 'rxjs';
import { ScorecardOptions } from '../options';
import { NOW, series } from '../test/frames';
import { ScorecardPanel } from './ScorecardPanel';

standardEditorsRegistry.setInit(() => []);
standardFieldConfigEditorRegistry.setInit(() => []);

const options: ScorecardOptions = {
  layout: 'cards',
  sortBy: 'worst',
  groupBy: '',
  minCardWidth: 240,
  showChecks: true,
  showSparkline: true,
  showDrift: true,
  maxDriftFeatures: 3,
  showToolbar: true,
  driftStatistic: 'auto',
  driftThreshold: 0,
  staleAfter: '1h',
  modelLabel: 'model',
  versionLabel: 'version',
  checkLabel: 'check',
  featureLabel: 'feature',
  retrainMode: 'off',
  retrainUrl: '',
  retrainConfirm: '',
};

interface Given {
  frames?: DataFrame[];
  options?: Partial<ScorecardOptions>;
  state?: LoadingState;
  error?: string;
  fieldConfig?: FieldConfigSource;
  width?: number;
  height?: number;
}

function show({
  frames = fleet,
  options: more,
  state = LoadingState.Done,
  error,
  fieldConfig = { defaults: {}, overrides: [] },
  width = 1000,
  height = 500,
}: Given = {}) {
  const timeRange = { ...getDefaultTimeRange(), to: dateTime(NOW) };
  const replace = (text: string, vars?: Record<string, { value?: unknown } | undefined>) =>
    text.replace(/\$\{(\w+)\}/g, (whole, name) => String(vars?.[name]?.value ?? whole));
  const data = {
    state,
    timeRange,
    series: applyFieldOverrides({
      data: frames,
      fieldConfig,
      replaceVariables: replace,
      theme: createTheme(),
      timeZone: 'utc',
    }),
    errors: error === undefined ? undefined : [{ message: error }],
  };
  const props = {
    id: 1,
    data,
    timeRange,
    options: { ...options, ...more },
    width,
    height,
    fieldConfig,
    replaceVariables: replace,
  };
  return render(<ScorecardPanel {...(props as unknown as ComponentProps<typeof ScorecardPanel>)} />);
}

const model = (name: string, score: number, alert?: string) => [
  series('ml_model_health_score', { model: name, version: '1' }, [score + 10, score]),
  series('ml_model_check_score', { model: name, version: '1', check: 'latency' }, [alert === 'latency' ? 3 : 99]),
  series(
    'ml_model_check_state',
    { model: name, version: '1', check: 'latency', state: alert === 'latency' ? 'alert' : 'ok' },
    [1]
  ),
  series('ml_feature_drift_kl_divergence_nats', { model: name, version: '1', feature: 'income' }, [
    score < 50 ? 0.8 : 0.1,
  ]),
];
const fleet = [...model('churn', 95), ...model('fraud', 30), ...model('spam', 92, 'latency')];
const cards = () => screen.getAllByRole('article').map((card) => card.getAttribute('aria-label'));

describe('what is wrong with the data is said', () => {
  test.each([
    ['nothing', { frames: [] }, /Unable to render data/],
    ['no model', { frames: [series('up', { job: 'x' }, [1])] }, /No series has the label “model”/],
    ['a failed query', { frames: [], state: LoadingState.Error, error: 'parse error' }, 'parse error'],
  ])('%s', (_, given, text) => {
    show(given as Given);
    expect(screen.getByText(text)).toBeInTheDocument();
  });

  test('while the first answer is awaited', () => {
    show({ frames: [], state: LoadingState.Loading });
    expect(screen.getByRole('status', { name: 'Loading models' })).toBeInTheDocument();
  });

  test('a refresh keeps what is shown', () => {
    show({ state: LoadingState.Loading });
    expect(cards()).toHaveLength(3);
  });
});

describe('cards', () => {
  test('worst first, and a good score with a check in alert before the others', () => {
    show();
    expect(cards()).toEqual(['fraud 1: score 30, poor', 'spam 1: score 92, excellent', 'churn 1: score 95, excellent']);
    expect(within(screen.getAllByRole('article')[1]).getByText('1 in alert')).toBeInTheDocument();
  });

  test('the drifted feature, its statistic and the threshold', () => {
    show();
    const drifted = within(screen.getAllByRole('article')[0]).getByRole('list', { name: 'Drifted features' });
    expect(drifted).toHaveTextContent('incomeKL 0.80 > 0.3');
  });

  test('NaN is no score, zero is one', () => {
    show({
      frames: [
        series('ml_model_health_score', { model: 'a' }, [NaN]),
        series('ml_model_health_score', { model: 'b' }, [0]),
      ],
    });
    expect(cards()).toEqual(['b: score 0, poor', 'a: no score']);
  });
});

describe('the toolbar', () => {
  test('chips count and filter', async () => {
    show();
    await userEvent.click(screen.getByRole('button', { name: '1 In alert' }));
    expect(cards()).toEqual(['spam 1: score 92, excellent']);
    await userEvent.click(screen.getByRole('button', { name: '1 In alert' }));
    expect(cards()).toHaveLength(3);
  });

  test('a search without a hit offers the way back', async () => {
    show();
    await userEvent.type(screen.getByRole('textbox', { name: 'Search models' }), 'zzz');
    await userEvent.click(screen.getByRole('button', { name: 'Show all 3' }));
    expect(cards()).toHaveLength(3);
  });
});

describe('other layouts', () => {
  test('a table with the worst first, sorted by a click on its head', async () => {
    show({ options: { layout: 'table' } });
    await screen.findByRole('table');
    const firsts = () =>
      screen
        .getAllByRole('row')
        .slice(1)
        .map((row) => within(row).getByRole('rowheader').textContent);
    expect(firsts()).toEqual(['fraud1', 'spam1', 'churn1']);
    await userEvent.click(screen.getByRole('button', { name: 'Model' }));
    expect(firsts()).toEqual(['churn1', 'fraud1', 'spam1']);
  });

  test('a heat-map of features leads to the details of one', async () => {
    show({ options: { layout: 'features' } });
    await userEvent.click(
      await screen.findByRole('button', { name: 'fraud, income: KL 0.80, threshold 0.3, drifted' })
    );
    expect(await screen.findByRole('list', { name: 'Features of fraud' })).toBeInTheDocument();
    await userEvent.click(screen.getByRole('button', { name: 'All models' }));
    expect(await screen.findByRole('region', { name: 'Drift of features by model' })).toBeInTheDocument();
  });

  test('a heat-map of checks', async () => {
    show({ options: { layout: 'checks' } });
    expect(await screen.findByRole('button', { name: /spam: Latency: 3 of 100, alert/ })).toBeInTheDocument();
  });

  test('the colour grid', () => {
    show({ options: { layout: 'grid' } });
    expect(screen.getByRole('button', { name: 'fraud 1: score 30, poor' })).toHaveTextContent('30');
  });

  test('both distributions of a feature', async () => {
    const bin = (metric: string, bin: string, value: number) =>
      series(metric, { model: 'fraud', version: '1', feature: 'income', bin }, [value]);
    show({
      options: { layout: 'detail' },
      frames: [
        ...fleet,
        ...['10', '+Inf'].flatMap((name, i) => [
          bin('ml_feature_baseline_bin_ratio', name, 0.5),
          bin('ml_feature_bin_total', name, [90, 10][i]),
        ]),
      ],
    });
    expect(
      await screen.findByRole('img', { name: /Distribution of income. Most moved: up to 10, from 50 % to 90 %/ })
    ).toBeInTheDocument();
  });

  test('a thousand models: only those on screen are drawn', () => {
    const many = Array.from({ length: 1000 }, (_, i) => series('ml_model_health_score', { model: `m${i}` }, [i / 10]));
    show({ frames: many, options: { layout: 'cards' } });
    expect(screen.getByRole('list', { name: '1000 models' })).toBeInTheDocument();
    expect(screen.getAllByRole('article').length).toBeLessThan(60);
  });
});

describe('retraining', () => {
  const asked = { retrainMode: 'post', retrainUrl: '/proxy/retrain/${model}' } as const;
  const backend = (answer: unknown) => {
    const fetch = jest.fn(() => answer);
    setBackendSrv({ fetch } as unknown as Parameters<typeof setBackendSrv>[0]);
    return fetch;
  };
  const retrain = async () => {
    await userEvent.click(screen.getByRole('button', { name: 'Retrain fraud' }));
    const dialog = await screen.findByRole('dialog');
    await userEvent.click(within(dialog).getByRole('button', { name: 'Retrain' }));
  };

  test('is off unless it is asked for', () => {
    show();
    expect(screen.queryByRole('button', { name: /Retrain/ })).not.toBeInTheDocument();
  });

  test('asks, posts, and shows the job', async () => {
    const fetch = backend(of({ data: { jobId: 'j7' } }));
    show({ options: asked });
    await retrain();
    expect(await screen.findByText('Retraining of fraud was accepted: job j7.')).toBeInTheDocument();
    expect(fetch).toHaveBeenCalledWith(expect.objectContaining({ url: '/proxy/retrain/fraud', method: 'POST' }));
  });

  test('shows why it was refused', async () => {
    backend(throwError(() => ({ status: 409, data: { detail: 'a job is running' } })));
    show({ options: asked });
    await retrain();
    await waitFor(() =>
      expect(screen.getByRole('alert')).toHaveTextContent('Retraining of fraud was refused: a job is running')
    );
  });
});
