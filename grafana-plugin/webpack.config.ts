import path from 'path';
import webpack, { type Configuration, type RuleSetRule } from 'webpack';
import { merge } from 'webpack-merge';
import grafanaConfig, { type Env } from './.config/webpack/webpack.config.ts';

/**
 * Grafana's configuration for a smaller bundle: Grafana 11.6 asks for browsers that know ES2022, so nothing is rewritten for older ones;
 * and JSX calls `h`, which the minifier shortens.
 */
export default async (env: Env): Promise<Configuration> => {
  const config = merge(await grafanaConfig(env), {
    cache: false,
    plugins: [new webpack.ProvidePlugin({ h: [path.resolve(process.cwd(), 'src', 'jsx'), 'h'] })],
  });
  for (const rule of (config.module?.rules ?? []) as RuleSetRule[]) {
    const use = rule.use as { loader?: string; options?: { jsc?: object } } | undefined;
    if (use?.loader === 'swc-loader' && use.options?.jsc) {
      Object.assign(use.options.jsc, {
        target: 'es2022',
        transform: { react: { runtime: 'classic', pragma: 'h' } },
      });
    }
  }
  return config;
};
