// The editors of options and standard field settings that Grafana's core registers at its start.
import * as D from '@grafana/data';
import { Input, RadioButtonGroup, Select, Slider, Switch } from '@grafana/ui';
import React from 'react';

type Props = D.StandardEditorProps;
const choices = (item: Props['item']) => item.settings?.options ?? [];

const editors: Record<string, (props: Props) => React.ReactElement> = {
  text: ({ value, onChange, id }) => (
    <Input id={id} value={value ?? ''} onChange={(e) => onChange(e.currentTarget.value)} />
  ),
  number: ({ value, onChange, id }) => (
    <Input
      id={id}
      type="number"
      value={value ?? ''}
      onChange={(e) => onChange(e.currentTarget.value === '' ? undefined : Number(e.currentTarget.value))}
    />
  ),
  boolean: ({ value, onChange, id }) => (
    <Switch id={id} value={!!value} onChange={(e) => onChange(e.currentTarget.checked)} />
  ),
  radio: ({ value, onChange, item }) => (
    <RadioButtonGroup value={value} options={choices(item)} onChange={onChange} fullWidth />
  ),
  select: ({ value, onChange, item, id }) => (
    <Select inputId={id} value={value} options={choices(item)} onChange={(option: any) => onChange(option.value)} />
  ),
  slider: ({ value, onChange, item }) => {
    const { min = 0, max = 100, step } = item.settings ?? {};
    return <Slider value={value} min={min} max={max} step={step} onChange={onChange} />;
  },
};
const Shown = ({ value }: Props) => <code>{JSON.stringify(value)}</code>;
const OTHERS = [
  'strings',
  'multi-select',
  'color',
  'unit',
  'stats-picker',
  'field-name',
  'timezone',
  'mappings',
  'thresholds',
  'links',
  'actions',
  'dashboard-uid',
  'cell-options',
  'fieldColor',
  'legend',
];

const isNumber = ({ type }: D.Field) => type === D.FieldType.number;
const setting = (id: string, process: unknown, more: object = {}) => ({
  id,
  path: id,
  name: id,
  editor: Shown,
  override: Shown,
  process,
  shouldApply: () => true,
  category: ['Standard options'],
  settings: {},
  ...more,
});
const same = (value: unknown) => value;

export function registerEditors(): void {
  D.standardEditorsRegistry.setInit(
    () =>
      [...Object.entries(editors), ...OTHERS.map((id) => [id, Shown] as const)].map(([id, editor]) => ({
        id,
        name: id,
        editor,
      })) as any,
  );
  D.standardFieldConfigEditorRegistry.setInit(
    () =>
      [
        setting('unit', D.unitOverrideProcessor, { shouldApply: isNumber }),
        setting('min', D.numberOverrideProcessor, { shouldApply: isNumber }),
        setting('max', D.numberOverrideProcessor, { shouldApply: isNumber }),
        setting('fieldMinMax', same, { shouldApply: isNumber }),
        setting('decimals', D.numberOverrideProcessor, { shouldApply: isNumber }),
        setting('displayName', D.displayNameOverrideProcessor, { settings: { expandTemplateVars: true } }),
        setting('color', D.identityOverrideProcessor),
        setting('noValue', D.displayNameOverrideProcessor),
        setting('links', D.dataLinksOverrideProcessor),
        setting('actions', D.identityOverrideProcessor),
        setting('mappings', D.valueMappingsOverrideProcessor, { defaultValue: [] }),
        setting('thresholds', D.thresholdsOverrideProcessor, {
          shouldApply: isNumber,
          defaultValue: {
            mode: 'absolute',
            steps: [
              { value: -Infinity, color: 'green' },
              { value: 80, color: 'red' },
            ],
          },
        }),
        setting('filterable', same),
      ] as any,
  );
}

/** One option of a panel, with the editor that it asks for. */
export function OptionEditor({
  item,
  value,
  onChange,
}: {
  item: any;
  value: unknown;
  onChange: (value: unknown) => void;
}) {
  const Editor = item.editor;
  return <Editor value={value} onChange={onChange} item={item} id={item.id} context={{ data: [] }} />;
}
