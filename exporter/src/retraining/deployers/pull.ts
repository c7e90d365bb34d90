import type { Deployer } from './deployer.ts';

/** Routers ask us (GET /api/ml/models/:model/routing): what the job says is all there is to do. */
export const pullDeployer: Deployer = { apply: () => Promise.resolve({ kind: 'applied' }) };
