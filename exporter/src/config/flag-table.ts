/** One flag of the command line. A switch takes no value. */
export interface FlagSpec {
  readonly name: string;
  readonly group: 'Configuration' | 'Web' | 'Database' | 'Log' | 'Clock' | 'Files' | 'Raw predictions' | 'Help';
  readonly kind: 'value' | 'switch';
  readonly repeatable?: true;
  readonly placeholder?: string;
  /** As it would be typed; absent: nothing. */
  readonly preset?: string;
  readonly help: string;
}

/** Every flag, in the order of the help text. Names follow the exporter-toolkit and Prometheus. */
export const FLAGS = [
  {
    name: 'config.file',
    group: 'Configuration',
    kind: 'value',
    placeholder: 'FILE',
    help: 'Configuration in YAML. Without one, the defaults apply. Read again on SIGHUP and POST /-/reload.',
  },
  {
    name: 'config.check',
    group: 'Configuration',
    kind: 'switch',
    help: 'Check the configuration and the web configuration, print every mistake, and exit with 0 (valid) or 1.',
  },
  {
    name: 'web.listen-address',
    group: 'Web',
    kind: 'value',
    repeatable: true,
    placeholder: 'HOST:PORT',
    preset: '127.0.0.1:9477',
    help: 'Address to listen on; :PORT is every interface. May be given several times.',
  },
  {
    name: 'web.telemetry-path',
    group: 'Web',
    kind: 'value',
    placeholder: 'PATH',
    preset: '/metrics',
    help: 'Path of the metrics.',
  },
  {
    name: 'web.config.file',
    group: 'Web',
    kind: 'value',
    placeholder: 'FILE',
    help: 'TLS, client certificates and users, in the format of the exporter-toolkit.',
  },
  {
    name: 'web.allow-anonymous',
    group: 'Web',
    kind: 'switch',
    help: 'Listen beyond this machine although neither tokens nor users are configured.',
  },
  {
    name: 'web.cors.origin',
    group: 'Web',
    kind: 'value',
    placeholder: 'REGEX',
    help: 'Origins that browsers may call from: a regular expression for the whole origin.',
  },
  {
    name: 'database.url',
    group: 'Database',
    kind: 'value',
    placeholder: 'URL',
    help: 'PostgreSQL to use (postgres://...). Better given as DATABASE_URL in the environment, where a password does not show in the list of processes. Without either, an embedded PostgreSQL under --data.path.',
  },
  {
    name: 'data.path',
    group: 'Database',
    kind: 'value',
    placeholder: 'DIRECTORY',
    preset: './data',
    help: 'Where the embedded PostgreSQL keeps its data.',
  },
  {
    name: 'log.level',
    group: 'Log',
    kind: 'value',
    placeholder: 'LEVEL',
    preset: 'info',
    help: 'debug, info, warn or error.',
  },
  { name: 'log.format', group: 'Log', kind: 'value', placeholder: 'FORMAT', preset: 'logfmt', help: 'logfmt or json.' },
  {
    name: 'log.file',
    group: 'Log',
    kind: 'value',
    placeholder: 'FILE',
    help: 'Append the log to this file instead of standard error.',
  },
  {
    name: 'clock.start',
    group: 'Clock',
    kind: 'value',
    placeholder: 'TIME',
    help: 'For demonstrations and tests: start a virtual clock at this time (RFC 3339 or epoch milliseconds).',
  },
  {
    name: 'clock.speed',
    group: 'Clock',
    kind: 'value',
    placeholder: 'FACTOR',
    preset: '1',
    help: 'For demonstrations and tests: seconds of the virtual clock per second.',
  },
  { name: 'version', group: 'Help', kind: 'switch', help: 'Print the version and exit.' },
  { name: 'help', group: 'Help', kind: 'switch', help: 'Print this text and exit.' },
] as const satisfies readonly FlagSpec[];

export type FlagName = (typeof FLAGS)[number]['name'];

const WIDTH = 80;
const INDENT = 32;

/** What `--help` prints: flags by group, no line longer than 80 columns. */
export function helpText(): string {
  return helpOf(
    [
      'Usage: model-health-exporter [flags]',
      '       model-health-exporter export|import [flags], each with its own --help',
      '       model-health-exporter dialect citus|timescale prints its SQL, untried',
      '',
      'Model health for Prometheus, Alertmanager and Grafana.',
    ],
    FLAGS,
  );
}

export function helpOf(head: readonly string[], flags: readonly FlagSpec[]): string {
  const lines = [...head];
  for (const group of new Set(flags.map((flag) => flag.group))) {
    lines.push('', `${group}:`);
    for (const flag of flags.filter((candidate) => candidate.group === group)) lines.push(...flagLines(flag));
  }
  return `${lines.join('\n')}\n`;
}

function flagLines(flag: FlagSpec): string[] {
  const head = `  --${flag.name}${flag.placeholder === undefined ? '' : `=${flag.placeholder}`}`;
  const help = flag.preset === undefined ? flag.help : `${flag.help} Default: ${flag.preset}`;
  const [first = '', ...rest] = wrap(help, WIDTH - INDENT);
  const padding = ' '.repeat(INDENT);
  const opening = head.length + 1 < INDENT ? [head.padEnd(INDENT) + first] : [head, padding + first];
  return [...opening, ...rest.map((line) => padding + line)];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
