import { IconAlertTriangle, IconCircleX } from '@tabler/icons-react';
import { useMemo } from 'react';
import type { Finding } from '../../../src-main/contract/finding.ts';
import { useTexts } from '../../app/texts.ts';
import classes from './kbs.module.css';

const lineHeight = 18;
const padding = 8;

/** The policy as plain text with its line numbers, as high as its lines, so that both scroll together; a mark stands at each line that a finding names. */
export function PolicyText({
  text,
  findings,
  onChange,
}: {
  text: string;
  findings: Finding[];
  onChange: (text: string) => void;
}) {
  const t = useTexts();
  const lines = text.split('\n').length;
  const numbers = useMemo(
    () => Array.from({ length: lines }, (_, index) => String(index + 1)).join('\n'),
    [lines],
  );
  const marked = findings.filter((one) => one.line !== undefined && one.severity !== 'info');
  return (
    <div className={classes.editor}>
      <pre className={classes.gutter} aria-hidden>
        {numbers}
        {marked.map(({ line = 1, severity, message, code }, index) => (
          <span
            key={`${code}${line}-${index}`}
            className={classes.mark}
            data-severity={severity}
            title={t('kbs.line', { line, message })}
            style={{ top: padding + (line - 1) * lineHeight }}
          >
            {severity === 'error' ? <IconCircleX size={14} /> : <IconAlertTriangle size={14} />}
          </span>
        ))}
      </pre>
      <textarea
        className={classes.text}
        aria-label={t('kbs.text')}
        value={text}
        rows={lines + 2}
        wrap="off"
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    </div>
  );
}
