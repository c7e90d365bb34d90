/** Packages without CommonJS, which Jest must translate. */
const esmOnly = '(hyparquet|hyparquet-compressors|hyparquet-writer|hysnappy|zstddec)';

/** Unit tests beside the code; integration and end-to-end tests under exporter/test. One PostgreSQL for the run. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/exporter'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['/dist/', '/\\.cache/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'commonjs' } },
    ],
    [`/node_modules/${esmOnly}/.+\\.m?js$`]: ['@swc/jest', { jsc: { target: 'es2023' }, module: { type: 'commonjs' } }],
  },
  transformIgnorePatterns: [`/node_modules/(?!${esmOnly}/)`],
  globalSetup: '<rootDir>/exporter/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/exporter/test/support/global-teardown.ts',
  // Of no machine is asked to be fast: what hangs is meant.
  testTimeout: 300_000,
};
