import { expect, test } from '@grafana/plugin-e2e';

// For those who have a Grafana server: GRAFANA_URL=http://... npm run e2e, with the dashboards and the data source provisioned.
test('the overview shows the models of the data source', async ({ gotoDashboardPage }) => {
  const dashboard = await gotoDashboardPage({ uid: 'model-health-overview' });
  const panel = dashboard.getPanelByTitle('Models');
  await expect(panel.locator.getByTestId('model-health')).toBeVisible();
  await expect(panel.getErrorIcon()).not.toBeVisible();
});

test('the panel can be chosen in the editor', async ({ panelEditPage }) => {
  await panelEditPage.setVisualization('Model health');
  await expect(panelEditPage.panel.locator).toContainText(/No data|model/i);
});
