import { PanelDataSummary, standardEditorsRegistry, standardFieldConfigEditorRegistry } from '@grafana/data';
import { migrate, REVISION } from './migrations';
import { suggest } from './suggestions';
import { series } from './test/frames';

standardEditorsRegistry.setInit(() => []);
standardFieldConfigEditorRegistry.setInit(() => []);

test('the migration is content with its own result', () => {
  const once = migrate({ options: { showSearch: false, showSummary: false, sortBy: 'name' } } as never);
  expect(once).toEqual({ showToolbar: false, sortBy: 'name', rev: REVISION });
  expect(migrate({ options: once } as never)).toEqual(once);
});

test.each([
  ['models', [series('ml_model_health_score', { model: 'churn' }, [1])], 1],
  ['something else', [series('up', { job: 'x' }, [1])], undefined],
])('suggested for %s', (_, rawFrames, count) => {
  expect(suggest({ hasData: true, rawFrames } as unknown as PanelDataSummary)?.length).toBe(count);
});
