// force timezone to UTC to allow tests to work regardless of local timezone
// generally used by snapshots, but can affect specific tests
process.env.TZ = 'UTC';

const { grafanaESModules, nodeModulesToTransform } = require('./.config/jest/utils');

const scaffold = require('./.config/jest.config');
const [[pattern, transformer]] = Object.entries(scaffold.transform);

module.exports = {
  // Jest configuration provided by Grafana scaffolding
  ...scaffold,
  // Grafana 13.2 needs packages that are ES modules, in part as .mjs, which the scaffold does not transform.
  transform: { [pattern.replace('(t|j)', '(t|j|mj)')]: transformer },
  transformIgnorePatterns: [nodeModulesToTransform([...grafanaESModules, '@react-hookz/web', '@ver0/deep-equal'])],
};
