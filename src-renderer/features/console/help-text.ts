import type { StreamItem } from '../../../src-main/contract/index.ts';
import type { Translate } from '../../app/texts.ts';
import { confine } from './confine.ts';

type Command = Extract<StreamItem<'session.console'>, { kind: 'opened' }>['commands'][number];

/** A line of help, and the style it is printed in. */
export interface HelpLine {
  text: string;
  style?: string;
}

/** What `?` shows: every command in a line no wider than `columns`, or the usage of the one that is named. */
export function helpText(
  all: readonly Command[],
  name: string | undefined,
  columns: number,
  t: Translate,
): HelpLine[] {
  const commands = all.filter((item) => name === undefined || item.name === name);
  if (commands.length === 0)
    return [{ text: t('console.unknownCommand', { name: name ?? '' }), style: '31' }];
  if (name !== undefined) {
    return commands.map((item) => ({
      text: `${confine(item.usage || item.name)}\n  ${confine(item.description)}`,
    }));
  }
  const width = Math.max(...commands.map((item) => item.name.length));
  return [
    { text: t('console.help.commands'), style: '1' },
    ...commands.map((item) => ({
      text: `  ${confine(item.name).padEnd(width)}  ${confine(item.description)}`.slice(0, columns),
    })),
    { text: t('console.help.local') },
  ];
}
