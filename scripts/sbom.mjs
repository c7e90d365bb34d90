// `npm run --silent sbom`: what the exporter consists of, as CycloneDX, from the lock file; without what only development needs.
import { ensureInstalled, run } from './install.mjs';

ensureInstalled();
process.exitCode = run('npm', [
  'sbom',
  '--sbom-format=cyclonedx',
  '--omit=dev',
  '--package-lock-only',
  '--workspace=exporter',
]);
