import base from '../jest.config.js';

export default {
  ...base,
  rootDir: '..',
  roots: ['<rootDir>/dashboards/src'],
  globalSetup: undefined,
  globalTeardown: undefined,
};
