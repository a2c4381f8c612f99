import { Button, Group, Modal } from '@mantine/core';
import { useEffect, useMemo, useRef } from 'react';
import { useTexts } from '../../app/texts.ts';
import { changedLines, type Draft } from './draft.ts';
import classes from './project.module.css';

/** Another program changed a file: both texts side by side, differing lines marked, and a decision. */
export function ConflictDialog({ draft, onKeep }: { draft: Draft; onKeep: (keep: 'mine' | 'disk') => void }) {
  const t = useTexts();
  const files = [
    ...(['project', 'desk'] as const).map((file) => ({
      title: t(file === 'project' ? 'project.projectFile' : 'project.deskFile'),
      disk: draft.conflict?.[file],
      mine: draft.files[file].text,
    })),
    ...draft.files.cc.map(({ name, text }) => ({
      title: name,
      disk: draft.conflict?.cc?.[name],
      mine: text,
    })),
  ].flatMap(({ disk, ...file }) => (disk === undefined ? [] : [{ ...file, disk }]));
  return (
    <Modal
      opened
      onClose={() => undefined}
      withCloseButton={false}
      title={t('project.conflictTitle')}
      size="90%"
    >
      <p>{t('project.conflictMessage')}</p>
      {files.map(({ title, disk, mine }) => (
        <div key={title}>
          <h3 className={classes.heading}>{title}</h3>
          <div className={classes.diff}>
            <Side title={t('project.onDisk')} text={disk} other={mine} />
            <Side title={t('project.mine')} text={mine} other={disk} />
          </div>
        </div>
      ))}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={() => onKeep('disk')}>
          {t('project.keepDisk')}
        </Button>
        <Button onClick={() => onKeep('mine')}>{t('project.keepMine')}</Button>
      </Group>
    </Modal>
  );
}

function Side({ title, text, other }: { title: string; text: string; other: string }) {
  const differs = useMemo(() => changedLines(other, text), [other, text]);
  const lines = useRef<HTMLPreElement>(null);
  useEffect(() => {
    const first = lines.current?.querySelector<HTMLElement>('[data-differs]');
    if (first && lines.current) lines.current.scrollTop = first.offsetTop - lines.current.offsetTop - 40;
  }, []);
  return (
    <div>
      <strong>{title}</strong>
      <pre className="mono" tabIndex={0} ref={lines}>
        {text.split('\n').map((line, index) => (
          <div key={index} data-differs={differs.has(index + 1) || undefined}>
            {line || ' '}
          </div>
        ))}
      </pre>
    </div>
  );
}
