import { Alert, Anchor, Collapse } from '@mantine/core';
import { IconCircleX } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import type { ErrorAnswer } from '../../src-main/contract/errors.ts';
import { useTexts } from '../app/texts.ts';
import { noticeColours } from './notice-colours.ts';

/** A failure: what happened, what to do, the places that are wrong, and the next action. */
export function ErrorNotice({ error, children }: { error: ErrorAnswer; children?: ReactNode }) {
  const t = useTexts();
  const [open, setOpen] = useState(false);
  const fields = error.fields ?? [];
  return (
    <Alert vars={noticeColours('bad')} icon={<IconCircleX size={16} />} role="alert" p="sm">
      <div>{error.message}</div>
      {error.hint ? <div className="muted">{error.hint}</div> : null}
      {fields.length > 0 ? (
        <>
          <Anchor
            component="button"
            type="button"
            size="xs"
            onClick={() => setOpen((was) => !was)}
            aria-expanded={open}
          >
            {t('common.details')}
          </Anchor>
          <Collapse expanded={open}>
            <ul>
              {fields.slice(0, 100).map((field, index) => (
                <li key={`${field.path ?? ''}-${index}`}>
                  <span className="mono">
                    {[field.file, field.line, field.path].filter((part) => part !== undefined).join(' · ')}
                  </span>{' '}
                  {field.message}
                  {field.hint ? <span className="muted"> {field.hint}</span> : null}
                </li>
              ))}
            </ul>
          </Collapse>
        </>
      ) : null}
      {children}
    </Alert>
  );
}
