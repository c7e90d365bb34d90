import { GrafanaTheme2 } from '@grafana/data';

/** What several components say in the same words of CSS. */
export const ellipsis = { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' } as const;
export const middle = { display: 'flex', alignItems: 'center' } as const;
export const bare = { all: 'unset', boxSizing: 'border-box', cursor: 'pointer' } as const;
export const noList = { listStyle: 'none', margin: 0, padding: 0 } as const;
export const small = (theme: GrafanaTheme2) => ({ fontSize: theme.typography.bodySmall.fontSize });
export const dim = (theme: GrafanaTheme2) => ({ color: theme.colors.text.secondary });
export const medium = (theme: GrafanaTheme2) => ({ fontWeight: theme.typography.fontWeightMedium });
/** A colour of Grafana's palette by its name, as thresholds name it. */
export const tint = (theme: GrafanaTheme2, name: string) => theme.visualization.getColorByName(name);
