// /d/<uid>: a committed dashboard against a Prometheus, on @grafana/scenes, which Grafana's own dashboards run on.
import * as D from '@grafana/data';
import * as R from '@grafana/runtime';
import * as S from '@grafana/scenes';
import * as UI from '@grafana/ui';
import React from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router-dom';
import uplotStyle from 'uplot/dist/uPlot.min.css';
import { corePanel } from './core-panels';
import { registerEditors } from './editors';
import { loadedPanel, loadPanel, PANEL_ID } from './plugins';
import { PrometheusSource } from './prometheus';
import { installServices } from './services';

const query = new URLSearchParams(location.search);
const uid = location.pathname.split('/')[2];
const theme = D.createTheme({ colors: { mode: query.get('theme') === 'light' ? 'light' : 'dark' } });
document.head.append(Object.assign(document.createElement('style'), { textContent: uplotStyle }));
(R.config as any).theme2 = theme;
registerEditors();
const transformers = new Map(Object.values(D.standardTransformers).map((one) => [one.id, one]));
D.standardTransformersRegistry.setInit(
  () =>
    [...transformers.values()].map((one) => ({
      id: one.id,
      name: one.name,
      transformation: async () => one,
      editor: () => null,
      description: '',
    })) as any,
);

const NAME = 'Prometheus';
const settings = {
  id: 1,
  uid: 'prometheus',
  type: 'prometheus',
  name: NAME,
  readOnly: true,
  jsonData: {},
  access: 'proxy',
  isDefault: true,
  meta: {
    id: 'prometheus',
    name: NAME,
    type: D.PluginType.datasource,
    module: '',
    baseUrl: '',
    info: {
      author: { name: '' },
      description: '',
      links: [],
      logos: { small: '', large: '' },
      screenshots: [],
      updated: '',
      version: '',
    },
  },
} as unknown as D.DataSourceInstanceSettings;

let scene: S.EmbeddedScene | undefined;
const interpolate = (text: string, variables?: D.ScopedVars, format?: any) =>
  scene ? S.sceneGraph.interpolate(scene, text, variables, format) : text;
const source = new PrometheusSource(settings, interpolate);
installServices({
  interpolate,
  loadPanel: async (id) => (id === PANEL_ID ? loadPanel(id) : corePanel(id)),
  loadedPanel: (id) => (id === PANEL_ID ? loadedPanel(id) : corePanel(id)),
  dataSources: {
    get: async () => source,
    getList: () => [settings],
    getInstanceSettings: () => settings,
    reload() {},
    registerRuntimeDataSource() {},
  },
});

function variable(one: any): S.SceneVariable {
  const base = {
    name: one.name,
    label: one.label,
    isMulti: one.multi,
    includeAll: one.includeAll,
    allValue: one.allValue,
    defaultToAll: !!one.includeAll,
    value: '',
    text: '',
  };
  return one.type === 'datasource'
    ? new S.DataSourceVariable({ ...base, pluginId: one.query, regex: '', value: settings.uid, text: NAME })
    : new S.QueryVariable({
        ...base,
        datasource: one.datasource,
        query: one.query,
        refresh: one.refresh,
        sort: one.sort,
      });
}

function gridItem(panel: any): S.SceneGridItem {
  const runner = new S.SceneQueryRunner({ datasource: panel.datasource, queries: panel.targets });
  const body = new S.VizPanel({
    key: `panel-${panel.id}`,
    title: panel.title,
    description: panel.description,
    pluginId: panel.type,
    options: panel.options ?? {},
    fieldConfig: { defaults: panel.fieldConfig?.defaults ?? {}, overrides: panel.fieldConfig?.overrides ?? [] },
    $data: panel.transformations
      ? new S.SceneDataTransformer({ $data: runner, transformations: panel.transformations })
      : runner,
  });
  const { x, y, w, h } = panel.gridPos;
  return new S.SceneGridItem({ x, y, width: w, height: h, body });
}

/** For tests: what each panel has come to. */
function states() {
  const found: { title: string; state?: string; frames?: number; error?: string }[] = [];
  for (const item of (scene!.state.body as S.SceneGridLayout).state.children) {
    const panel = (item as S.SceneGridItem).state.body as S.VizPanel;
    const data = S.sceneGraph.getData(panel).state.data;
    found.push({
      title: panel.state.title,
      state: data?.state,
      frames: data?.series.length,
      error: data?.errors?.[0]?.message,
    });
  }
  return found;
}

function Dashboard({ title, links }: { title: string; links: { uid: string; title: string }[] }) {
  S.useUrlSync(scene!, { updateUrlOnInit: false });
  const Body = scene!.Component;
  return (
    <main style={{ background: theme.colors.background.canvas, minHeight: '100vh', padding: 16 }}>
      <nav style={{ display: 'flex', gap: 16, paddingBottom: 12, alignItems: 'baseline' }}>
        <h1 style={{ fontSize: 18, margin: 0 }}>{title}</h1>
        {links.map((link) => (
          <a key={link.uid} href={`/d/${link.uid}${location.search}`} style={{ color: theme.colors.text.link }}>
            {link.title}
          </a>
        ))}
      </nav>
      <Body model={scene!} />
    </main>
  );
}

async function start() {
  const json = await (await fetch(`/dashboards/${uid}.json`)).json();
  const links = await (await fetch('/dashboards.json')).json();
  scene = new S.EmbeddedScene({
    $timeRange: new S.SceneTimeRange({ from: query.get('from') ?? json.time.from, to: 'now', timeZone: 'utc' }),
    $variables: new S.SceneVariableSet({ variables: json.templating.list.map(variable) }),
    controls: [
      new S.VariableValueSelectors({}),
      new S.SceneControlsSpacer(),
      new S.SceneTimePicker({}),
      new S.SceneRefreshPicker({ refresh: json.refresh }),
    ],
    body: new S.SceneGridLayout({ isLazy: false, isDraggable: false, children: json.panels.map(gridItem) }),
  });
  Object.assign(window, { __grafanaSceneContext: scene, __states: states });
  const Theme: any = D.ThemeContext;
  const Global: any = UI.GlobalStyles;
  const Location: any = R.LocationServiceProvider;
  createRoot(document.getElementById('root')!).render(
    <Theme.Provider value={theme}>
      <Global />
      <UI.PortalContainer />
      <Location service={R.locationService}>
        <BrowserRouter>
          <Dashboard title={json.title} links={links} />
        </BrowserRouter>
      </Location>
    </Theme.Provider>,
  );
}

start()
  .catch((error: unknown) => {
    document.body.innerText = `The page failed: ${String(error)}`;
    throw error;
  })
  .finally(() => Object.assign(window, { __ready: true }));
