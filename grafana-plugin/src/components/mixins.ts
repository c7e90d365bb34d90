import { css } from '@emotion/css';
import { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

/** What several components say in the same words of CSS. */
export const ellipsis = { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' } as const;
export const middle = { display: 'flex', alignItems: 'center' } as const;
export const bare = { all: 'unset', boxSizing: 'border-box', cursor: 'pointer' } as const;
export const noList = { listStyle: 'none', margin: 0, padding: 0 } as const;
/** A colour of Grafana's palette by its name, as thresholds name it. */
export const tint = (theme: GrafanaTheme2, name: string) => theme.visualization.getColorByName(name);

const mixinsOf = ({ typography, colors }: GrafanaTheme2) => ({
  small: { fontSize: typography.bodySmall.fontSize },
  dim: { color: colors.text.secondary },
  medium: { fontWeight: typography.fontWeightMedium },
});

type Style = Parameters<typeof css>[number];

/** A hook that gives a component its classes: plain objects of CSS by name, made of the theme and of what is often said of it. */
export function sheet<Name extends string>(
  styles: (theme: GrafanaTheme2, mix: ReturnType<typeof mixinsOf>) => Record<Name, Style>
): () => Record<Name, string> {
  const classes = (theme: GrafanaTheme2) =>
    Object.fromEntries(
      Object.entries<Style>(styles(theme, mixinsOf(theme))).map(([name, style]) => [name, css(style)])
    ) as Record<Name, string>;
  return () => useStyles2(classes);
}
