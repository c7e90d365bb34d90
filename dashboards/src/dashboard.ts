import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import { DATASOURCE } from './panels.ts';

interface Frame {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly from?: string;
  /** One model at a time; else any number of them. */
  readonly single?: boolean;
  /** With a choice between the windows of a check: its own and its extra ones. */
  readonly windows?: boolean;
  /** Without models: for the exporter itself. */
  readonly plain?: boolean;
}

type AnyPanel = Builder<dashboard.Panel>;

/** What all dashboards have: the data source, model and version to choose, links to one another, alerts and retraining as marks. */
export function buildDashboard(frame: Frame, panels: readonly AnyPanel[]): dashboard.Dashboard {
  const { uid, title, description, from = 'now-3h', single = false, windows = false, plain = false } = frame;
  const builder = new dashboard.DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['model-health'])
    .editable()
    .refresh('30s')
    .time({ from, to: 'now' })
    .timezone('browser')
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .withVariable(new dashboard.DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .link(
      new dashboard.DashboardLinkBuilder('Model health')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags(['model-health'])
        .asDropdown(false)
        .keepTime(true)
        .includeVars(true),
    );
  if (!plain)
    builder
      .withVariable(choice('model', 'Model', 'ml_model_info', single))
      .withVariable(choice('version', 'Version', 'ml_model_info{model=~"$model"}', false));
  if (windows) builder.withVariable(choice('window', 'Window', `{${WINDOWED}}`, false));
  for (const panel of panels) builder.withPanel(panel);
  const built = builder.build();
  // The builders number no panels; a link to a panel needs a number that stays.
  built.panels?.forEach((panel, i) => Object.assign(panel, { id: i + 1 }));
  return { ...built, annotations: { list: plain ? [] : [...MARKS] } };
}

/** A window may be that of one check only: any series of the models that has one. */
const WINDOWED = '__name__=~"ml_.+", model=~"$model", version=~"$version", window!=""';

function choice(name: string, label: string, of: string, single: boolean): dashboard.QueryVariableBuilder {
  const builder = new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(`label_values(${of}, ${name})`)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc);
  return single ? builder : builder.multi(true).includeAll(true).allValue('.*');
}

const mark = (name: string, iconColor: string, expr: string, titleFormat: string): dashboard.AnnotationQuery => ({
  name,
  datasource: DATASOURCE,
  enable: true,
  hide: false,
  iconColor,
  expr,
  titleFormat,
  step: '60s',
  useValueForTime: false,
});

const MARKS = [
  mark('Alerts', 'red', 'ALERTS{alertname=~"ML.*", alertstate="firing", model=~"$model"}', '{{alertname}} {{model}}'),
  mark(
    'Retraining',
    'blue',
    'max without (instance) (ml_retraining_job_state{model=~"$model"}) == 1',
    'Retraining of {{model}}: {{state}}',
  ),
];
