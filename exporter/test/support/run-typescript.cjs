// `node run-typescript.cjs program.ts ...`: a process of its own for a test, compiled as Jest compiles, on any Node (20 reads no TypeScript).
const Module = require('node:module');
const path = require('node:path');
const { transformFileSync } = require('@swc/core');

Module._extensions['.ts'] = (module, file) => {
  const { code } = transformFileSync(file, {
    swcrc: false,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    module: { type: 'commonjs' },
  });
  module._compile(code, file);
};
require(path.resolve(process.argv[2]));
