import { ActionIcon, CopyButton, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useTexts } from '../app/texts.ts';
import { shorten } from './format.ts';
import classes from './copyable.module.css';

/** An id, hash, host or path: monospace, shortened in the middle, whole on hover, copied by one click. */
export function Copyable({ text, length }: { text: string; length?: number }) {
  const t = useTexts();
  return (
    <span className={classes.copyable}>
      <Tooltip label={text} disabled={length === undefined || text.length <= length}>
        <span className="mono">{length === undefined ? text : shorten(text, length)}</span>
      </Tooltip>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? t('common.copied') : t('common.copy')}>
            <ActionIcon
              size={18}
              variant="subtle"
              color="gray"
              onClick={copy}
              aria-label={`${t('common.copy')} ${text}`}
              className={classes.button}
            >
              {copied ? <IconCheck size={12} /> : <IconCopy size={12} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </span>
  );
}
