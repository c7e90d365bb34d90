import { createElement } from 'react';

/** What JSX compiles to in the bundle (webpack.config.ts): a name of one letter in place of a hundred long ones. */
export const h = createElement;
