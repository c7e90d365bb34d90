import React from 'react';
import { DataLinksContextMenu } from '@grafana/ui';
import { ModelHealth } from '../data/models';
import { View } from './view';
import { bare, ellipsis, sheet } from './mixins';

/** The name, and with it the way on: the field's data link, a menu of several, or without any the panel's own details. */
export function ModelName({ model, view }: { model: ModelHealth; view: View }) {
  const s = useStyles();
  const links = view.linksOf(model);
  const name = (
    <span className={s.name} title={model.name}>
      {model.name}
    </span>
  );
  if (links.length === 0) {
    return (
      <button type="button" className={s.link} onClick={() => view.open(model)} aria-label={`Details of ${model.name}`}>
        {name}
      </button>
    );
  }
  if (links.length === 1) {
    const link = links[0]();
    return (
      <a
        className={s.link}
        href={link.href}
        target={link.target}
        rel="noreferrer"
        onClick={link.onClick}
        aria-label={`${model.name}: ${link.title}`}
      >
        {name}
      </a>
    );
  }
  return (
    <DataLinksContextMenu links={() => links.map((link) => link())}>
      {(api) => (
        <button type="button" className={s.link} onClick={api.openMenu} aria-label={`Links of ${model.name}`}>
          {name}
        </button>
      )}
    </DataLinksContextMenu>
  );
}

const useStyles = sheet((theme, mix) => ({
  name: { display: 'block', ...ellipsis },
  link: {
    ...bare,
    minWidth: 0,
    ...mix.medium,
    color: theme.colors.text.primary,
    borderRadius: 2,
    '&:hover': { color: theme.colors.text.link, textDecoration: 'underline' },
  },
}));
