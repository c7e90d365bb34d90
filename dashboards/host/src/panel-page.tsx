// /panel/<version>?scenario&theme&n&w&h&options&fieldConfig&editor: the panel as Grafana would show it.
import * as D from '@grafana/data';
import * as R from '@grafana/runtime';
import * as UI from '@grafana/ui';
import React, { useMemo, useState } from 'react';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';
import { OptionEditor, registerEditors } from './editors';
import { loadedPanel, loadPanel, PANEL_ID } from './plugins';
import { scenario } from './scenarios';
import { installServices } from './services';

const query = new URLSearchParams(location.search);
const number = (name: string, otherwise: number) => Number(query.get(name) ?? otherwise);
const theme = D.createTheme({ colors: { mode: query.get('theme') === 'light' ? 'light' : 'dark' } });
const NOW = Date.parse('2026-11-23T12:00:00Z');
const HOUR_MS = 3_600_000;
const range: D.TimeRange = { from: D.dateTime(NOW - HOUR_MS), to: D.dateTime(NOW), raw: { from: 'now-1h', to: 'now' } };

const interpolate = (text: string | undefined, variables?: D.ScopedVars) =>
  (text ?? '').replace(/\$\{([\w.]+)(?::\w+)?\}|\$(\w+)/g, (whole, braced: string | undefined, plain: string) => {
    const path = (braced ?? plain).split('.');
    const found = path.slice(1).reduce((at: any, key) => at?.[key], variables?.[path[0]]?.value);
    return found === undefined ? whole : String(found);
  });

(R.config as any).theme2 = theme;
registerEditors();
installServices({ interpolate, loadPanel, loadedPanel });

const frames = scenario(query.get('scenario') ?? 'fleet', {
  now: NOW,
  models: number('n', 8),
  points: number('points', 60),
});

function dataOf(plugin: D.PanelPlugin, fieldConfig: D.FieldConfigSource): D.PanelData {
  const series = D.applyFieldOverrides({
    data: frames.series,
    fieldConfig,
    fieldConfigRegistry: plugin.fieldConfigRegistry,
    replaceVariables: interpolate,
    theme,
    timeZone: 'utc',
  });
  return { ...frames, series, timeRange: range };
}

/** As Grafana reads a stored panel: migrated, then completed with the defaults. */
function storedPanel(plugin: D.PanelPlugin) {
  const panel: any = {
    id: 1,
    type: PANEL_ID,
    options: JSON.parse(query.get('options') ?? '{}'),
    fieldConfig: JSON.parse(query.get('fieldConfig') ?? '{"defaults":{},"overrides":[]}'),
    pluginVersion: '',
  };
  return D.getPanelOptionsWithDefaults({
    plugin,
    currentOptions: (plugin.onPanelMigration?.(panel) as object | undefined) ?? panel.options,
    currentFieldConfig: panel.fieldConfig,
    isAfterPluginChange: false,
  });
}

interface PageProps {
  plugin: D.PanelPlugin;
  stored: ReturnType<typeof storedPanel>;
  data: D.PanelData;
}

function Page({ plugin, stored, data }: PageProps) {
  const [width, height] = [number('w', 1000), number('h', 520)];
  const [options, setOptions] = useState<any>(stored.options);
  Object.assign(window, {
    __options: options,
    __setOptions: (more: object) => flushSync(() => setOptions({ ...options, ...more })),
  });
  const Panel = plugin.panel!;
  const Chrome: any = UI.PanelChrome;
  return (
    <main
      style={{
        display: 'flex',
        gap: 12,
        padding: 12,
        background: theme.colors.background.canvas,
        minHeight: '100vh',
        boxSizing: 'border-box',
      }}
    >
      <div id="panel" style={{ width, height }}>
        <Chrome
          title={query.get('title') ?? 'Model health'}
          width={width}
          height={height}
          padding="md"
          loadingState={data.state}
          statusMessage={data.errors?.[0]?.message}
        >
          {(innerWidth: number, innerHeight: number) => (
            <Panel
              id={1}
              title="Model health"
              timeZone="utc"
              transparent={false}
              renderCounter={0}
              width={innerWidth}
              height={innerHeight}
              timeRange={range}
              onChangeTimeRange={() => {}}
              replaceVariables={interpolate}
              eventBus={new D.EventBusSrv()}
              onOptionsChange={setOptions}
              onFieldConfigChange={() => {}}
              fieldConfig={stored.fieldConfig}
              {...{ data, options }}
            />
          )}
        </Chrome>
      </div>
      {query.has('editor') && <Editor {...{ plugin, options, setOptions }} series={data.series} />}
    </main>
  );
}

function Editor({
  plugin,
  options,
  setOptions,
  series,
}: {
  plugin: D.PanelPlugin;
  options: any;
  setOptions: (options: any) => void;
  series: D.DataFrame[];
}) {
  const items = useMemo(() => {
    const builder = new D.PanelOptionsEditorBuilder<any>();
    plugin.getPanelOptionsSupplier()(builder, { data: series, options });
    return builder.getItems();
  }, [plugin, options, series]);
  return (
    <div id="options" style={{ width: 320, color: theme.colors.text.primary }}>
      {items
        .filter((item) => item.showIf?.(options, series) ?? true)
        .map((item) => (
          <UI.Field key={item.id} label={`${item.category?.[0]} / ${item.name}`} description={item.description}>
            <OptionEditor
              item={item}
              value={options[item.path]}
              onChange={(value) => setOptions({ ...options, [item.path]: value })}
            />
          </UI.Field>
        ))}
    </div>
  );
}

try {
  const plugin = await loadPanel(PANEL_ID);
  const Theme: any = D.ThemeContext;
  const Global: any = UI.GlobalStyles;
  const stored = storedPanel(plugin);
  const data = dataOf(plugin, stored.fieldConfig);
  const started = performance.now();
  const root = createRoot(document.getElementById('root')!);
  flushSync(() =>
    root.render(
      <Theme.Provider value={theme}>
        <Global />
        <UI.PortalContainer />
        <Page {...{ plugin, stored, data }} />
      </Theme.Provider>,
    ),
  );
  Object.assign(window, { __renderMs: performance.now() - started, __react: React.version });
} catch (error) {
  document.body.innerText = `The page failed: ${String(error)}`;
  throw error;
} finally {
  Object.assign(window, { __ready: true });
}
