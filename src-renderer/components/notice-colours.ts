/** Quiet grounds of our own for a notice: those of the library shout, most of all in the dark. */
export const noticeColours = (state: 'bad' | 'warn') => () => ({
  root: {
    '--alert-bg': `var(--${state}-ground)`,
    '--alert-bd': `1px solid var(--${state}-line)`,
    '--alert-color': `var(--${state})`,
  },
});
