// Grafana's own visualisations are not on npm: plain ones of the same data, out of @grafana/ui.
import * as D from '@grafana/data';
import * as UI from '@grafana/ui';
import React from 'react';

function Stat({ options, data, width, height, fieldConfig, replaceVariables, timeZone }: D.PanelProps) {
  const theme = UI.useTheme2();
  const values = () =>
    D.getFieldDisplayValues({
      data: data.series,
      fieldConfig,
      theme,
      replaceVariables,
      timeZone,
      reduceOptions: { calcs: ['lastNotNull'], values: false },
    });
  if (data.series.length === 0) return <Nothing />;
  return (
    <UI.VizRepeater
      source={data}
      width={width}
      height={height}
      renderCounter={0}
      orientation={D.VizOrientation.Vertical}
      getValues={values}
      renderValue={({ value, width: w, height: h }: any) => (
        <UI.BigValue
          value={value.display}
          width={w}
          height={h}
          theme={theme}
          graphMode={UI.BigValueGraphMode.None}
          colorMode={UI.BigValueColorMode.Value}
          textMode={
            options.textMode === 'value_and_name' || data.series.length > 1
              ? UI.BigValueTextMode.ValueAndName
              : UI.BigValueTextMode.Value
          }
        />
      )}
    />
  );
}

function Lines({ data, width, height, timeRange }: D.PanelProps) {
  const TimeSeries: any = UI.TimeSeries;
  const named = data.series.filter(({ length }) => length > 0);
  if (named.length === 0) return <Nothing />;
  return (
    <TimeSeries
      frames={named}
      width={width}
      height={height}
      timeRange={timeRange}
      timeZone="utc"
      structureRev={data.structureRev}
      legend={{ showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] }}
    >
      {() => null}
    </TimeSeries>
  );
}

function Table({ data, width, height }: D.PanelProps) {
  const theme = UI.useTheme2();
  const frame = data.series.at(0);
  if (frame === undefined || frame.length === 0) return <Nothing />;
  const cell: React.CSSProperties = {
    padding: '4px 8px',
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    textAlign: 'left',
    fontVariantNumeric: 'tabular-nums',
  };
  return (
    <div style={{ width, height, overflow: 'auto' }} tabIndex={0} role="region" aria-label="Table">
      <table style={{ width: '100%' }}>
        <thead>
          <tr>
            {frame.fields.map((field) => (
              <th key={field.name} style={{ ...cell, color: theme.colors.text.secondary }}>
                {D.getFieldDisplayName(field, frame, data.series)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: frame.length }, (_, row) => (
            <tr key={row}>
              {frame.fields.map((field) => (
                <td key={field.name} style={cell}>
                  <Cell field={field} row={row} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The first data link of a field is the cell's. */
function Cell({ field, row }: { field: D.Field; row: number }) {
  const text = field.display ? D.formattedValueToString(field.display(field.values[row])) : String(field.values[row]);
  const link = field.config.links?.length ? field.getLinks?.({ valueRowIndex: row }).at(0) : undefined;
  return link === undefined ? (
    <>{text}</>
  ) : (
    <a href={link.href} title={link.title} style={{ textDecoration: 'underline' }}>
      {text}
    </a>
  );
}

const Nothing = () => <div style={{ display: 'grid', placeItems: 'center', height: '100%' }}>No data</div>;
const Unknown = () => <div>The stand-in host has no such visualisation.</div>;

const LINE_SETTINGS = {
  lineWidth: 2,
  fillOpacity: 4,
  drawStyle: 'line',
  showPoints: 'never',
  axisPlacement: 'auto',
  spanNulls: false,
};
const KINDS: Partial<Record<string, () => D.PanelPlugin>> = {
  stat: () => new D.PanelPlugin(Stat).useFieldConfig(),
  table: () => new D.PanelPlugin(Table).useFieldConfig(),
  timeseries: () =>
    new D.PanelPlugin(Lines).useFieldConfig({
      standardOptions: { [D.FieldConfigProperty.Color]: { defaultValue: { mode: D.FieldColorModeId.PaletteClassic } } },
      useCustomConfig: (builder: any) => {
        for (const [path, defaultValue] of Object.entries(LINE_SETTINGS))
          builder.addTextInput({ path, name: path, defaultValue });
      },
    }),
};
const made = new Map<string, D.PanelPlugin>();

export function corePanel(id: string): D.PanelPlugin {
  const known = made.get(id);
  if (known) return known;
  const plugin = KINDS[id]?.() ?? new D.PanelPlugin(Unknown).useFieldConfig();
  plugin.meta = {
    id,
    name: id,
    type: D.PluginType.panel,
    module: 'core',
    baseUrl: 'core',
    sort: 1,
    info: {
      author: { name: '' },
      description: '',
      links: [],
      logos: { large: '', small: '' },
      screenshots: [],
      updated: '',
      version: '',
    },
  };
  made.set(id, plugin);
  return plugin;
}
