import { SegmentedControl } from '@mantine/core';
import { useTexts } from '../../app/texts.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { FindingList } from '../../components/finding-list.tsx';
import { type Draft, findingsOfStep, useEdit } from './draft.ts';
import { Field } from './field.tsx';
import classes from './project.module.css';

/** Name, description, FLARE line, and the SSH defaults of all hosts. */
export function Basics({ draft }: { draft: Draft }) {
  const t = useTexts();
  const edit = useEdit(draft);
  const model = draft.model;
  if (!model) return null;
  const findings = findingsOfStep(draft, 'basics');
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const set = (file: 'project' | 'desk', path: (string | number)[], value: string): void =>
    void edit.run(value === '' ? [{ op: 'unset', file, path }] : [{ op: 'set', file, path, value }]);
  return (
    <div className={classes.formBody}>
      {edit.error ? <ErrorNotice error={edit.error} /> : null}
      <Field
        label={t('project.name')}
        value={model.name}
        onCommit={(value) => value !== '' && set('project', ['name'], value)}
        error={findings.find((finding) => finding.path === 'name')?.message}
      />
      <Field
        label={t('project.description')}
        value={model.description}
        onCommit={(value) => set('project', ['description'], value)}
      />
      <div>
        <div className={classes.label} id="draft-flare">
          {t('project.flare')}
        </div>
        <SegmentedControl
          size="xs"
          aria-labelledby="draft-flare"
          value={model.flare}
          onChange={(value) => set('desk', ['flare'], value)}
          data={['2.8.1', '2.7.2']}
        />
      </div>
      <h3 className={classes.heading}>{t('project.defaults')}</h3>
      <div className={classes.fields}>
        <Field
          label={t('project.defaultUser')}
          value={text(model.defaults.user)}
          onCommit={(value) => set('desk', ['defaults', 'user'], value)}
        />
        <Field
          label={t('project.defaultIdentity')}
          value={text(model.defaults.identity)}
          onCommit={(value) => set('desk', ['defaults', 'identity'], value)}
        />
        <Field
          label={t('project.defaultDirectory')}
          value={text(model.defaults.directory)}
          onCommit={(value) => set('desk', ['defaults', 'directory'], value)}
        />
      </div>
      {findings.length > 0 ? <FindingList findings={findings} /> : null}
    </div>
  );
}
