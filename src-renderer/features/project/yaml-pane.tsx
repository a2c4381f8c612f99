import { Button, SegmentedControl, Select } from '@mantine/core';
import { useMemo, useRef, useState } from 'react';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { useAction } from '../../state/action.ts';
import { changedLines, type Draft } from './draft.ts';
import classes from './project.module.css';

type FileName = 'project' | 'desk' | `cc:${string}`;

const ccName = (file: FileName): string | undefined =>
  file === 'project' || file === 'desk' ? undefined : file.slice('cc:'.length);

/** A file that is named no more shows project.yml. */
function shownFile(draft: Draft, wanted: FileName): FileName {
  const name = ccName(wanted);
  return name === undefined || draft.files.cc.some((one) => one.name === name) ? wanted : 'project';
}

function filesOf(draft: Draft, file: FileName): { text: string; base: string } {
  if (file === 'project' || file === 'desk') return draft.files[file];
  return draft.files.cc.find(({ name }) => name === ccName(file)) ?? { text: '', base: '' };
}

/**
 * The files as they will be written: changed lines marked, wrong lines marked, editable by hand. `first` = the
 * confidential-computing file that is shown first.
 */
export function YamlPane({ draft, first }: { draft: Draft; first?: string | undefined }) {
  const t = useTexts();
  const client = useClient();
  const [wanted, setFile] = useState<FileName>(first === undefined ? 'project' : `cc:${first}`);
  const file = shownFile(draft, wanted);
  const [typed, setTyped] = useState<{ file: FileName; text: string }>();
  const area = useRef<HTMLTextAreaElement>(null);
  const { text: saved, base } = filesOf(draft, file);
  const title = ccName(file) ?? (file === 'project' ? t('project.projectFile') : t('project.deskFile'));
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
    const name = ccName(file) ?? (file === 'project' ? 'project.yml' : 'desk.yml');
    return new Map(
      draft.findings
        .filter((finding) => finding.line !== undefined && (finding.file ?? '').endsWith(name))
        .map((finding) => [finding.line, finding.message]),
    );
  }, [draft.findings, file]);
  // The pane scrolls, not the text in it: a long line is reached without the caret.
  const longest = lines.reduce((most, line) => Math.max(most, line.length), 0);
  return (
    <aside className={classes.yaml} aria-label={t('project.yaml')}>
      <div className={classes.yamlTabs}>
        <SegmentedControl
          size="xs"
          className={classes.fixed}
          value={ccName(file) === undefined ? file : ''}
          onChange={(value) => setFile(value as FileName)}
          data={[
            { value: 'project', label: t('project.projectFile') },
            { value: 'desk', label: t('project.deskFile') },
          ]}
        />
        {draft.files.cc.length > 0 ? (
          <Select
            size="xs"
            w={150}
            aria-label={t('project.cc.files')}
            placeholder={t('project.cc.files')}
            data={draft.files.cc.map(({ name }) => name)}
            value={ccName(file) ?? null}
            allowDeselect={false}
            searchable={draft.files.cc.length > 8}
            onChange={(name) => name !== null && setFile(`cc:${name}`)}
          />
        ) : null}
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
          style={{ minWidth: `${longest + 4}ch` }}
          spellCheck={false}
          aria-label={title}
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
