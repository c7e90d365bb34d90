import base from '../jest.config.js';

/** Needs promtool and amtool, but no database. */
export default {
  ...base,
  rootDir: '..',
  roots: ['<rootDir>/alerting-rules'],
  globalSetup: undefined,
  globalTeardown: undefined,
};
