import { Button, SegmentedControl } from '@mantine/core';
import { useMemo, useRef, useState } from 'react';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { useAction } from '../../state/action.ts';
import { changedLines, type Draft } from './draft.ts';
import classes from './project.module.css';

type FileName = 'project' | 'desk';

/** The files as they will be written: changed lines marked, wrong lines marked, editable by hand. */
export function YamlPane({ draft }: { draft: Draft }) {
  const t = useTexts();
  const client = useClient();
  const [file, setFile] = useState<FileName>('project');
  const [typed, setTyped] = useState<{ file: FileName; text: string }>();
  const area = useRef<HTMLTextAreaElement>(null);
  const { text: saved, base } = draft.files[file];
  const text = typed?.file === file ? typed.text : saved;
  const pending = typed?.file === file && typed.text !== saved;
  const apply = useAction(async () => {
    const answer = await client.call('drafts.set_text', { revision: draft.revision, file, text });
    if (answer.ok) setTyped(undefined);
    return answer;
  });
  const lines = useMemo(() => text.split('\n'), [text]);
  const changed = useMemo(() => changedLines(base, text), [base, text]);
  const wrong = useMemo(() => {
    const name = file === 'project' ? 'project.yml' : 'desk.yml';
    return new Map(
      draft.findings
        .filter((finding) => finding.line !== undefined && (finding.file ?? '').endsWith(name))
        .map((finding) => [finding.line, finding.message]),
    );
  }, [draft.findings, file]);
  return (
    <aside className={classes.yaml} aria-label={t('project.yaml')}>
      <div className={classes.yamlTabs}>
        <SegmentedControl
          size="xs"
          value={file}
          onChange={(value) => setFile(value)}
          data={[
            { value: 'project', label: t('project.projectFile') },
            { value: 'desk', label: t('project.deskFile') },
          ]}
        />
        <span className="muted">{t('project.changedLines', { count: changed.size })}</span>
        <span className={classes.grow} />
        {pending ? (
          <>
            <span className="muted">{t('project.textPending')}</span>
            <Button variant="default" onClick={() => setTyped(undefined)}>
              {t('project.revertText')}
            </Button>
            <Button loading={apply.status === 'running'} onClick={() => void apply.run(undefined)}>
              {t('project.applyText')}
            </Button>
          </>
        ) : null}
      </div>
      {apply.error ? <ErrorNotice error={apply.error} /> : null}
      <div className={classes.text}>
        <div className={classes.gutter} aria-hidden>
          {lines.map((_, index) => (
            <div
              key={index}
              data-changed={changed.has(index + 1) || undefined}
              data-wrong={wrong.has(index + 1) || undefined}
              title={wrong.get(index + 1)}
            >
              {index + 1}
            </div>
          ))}
        </div>
        <textarea
          ref={area}
          className={classes.area}
          value={text}
          rows={lines.length + 1}
          spellCheck={false}
          aria-label={file === 'project' ? t('project.projectFile') : t('project.deskFile')}
          onChange={(event) => setTyped({ file, text: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === 's' && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              if (pending) void apply.run(undefined);
            }
          }}
        />
      </div>
    </aside>
  );
}
