import { DataFrame, FieldType, PanelDataSummary, VisualizationSuggestion } from '@grafana/data';
import { ScorecardOptions } from './options';

/** For Grafana 13, which asks with a summary; older ones do not ask for panels of plugins. Only where a series names a model. */
export function suggest(summary: PanelDataSummary): Array<VisualizationSuggestion<ScorecardOptions>> | undefined {
  if (!summary.hasData || !summary.rawFrames?.some(namesModel)) {
    return undefined;
  }
  return [{ cardOptions: { maxSeries: 60 }, options: { showToolbar: false } }];
}

const namesModel = ({ fields }: DataFrame) =>
  fields.some(
    ({ type, name, labels }) =>
      (type === FieldType.number && labels?.model !== undefined) || (type === FieldType.string && name === 'model')
  );
