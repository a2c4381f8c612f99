import { Button, Checkbox, Group, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '../../app/texts.ts';
import { Copyable } from '../../components/copyable.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { TaskRun } from '../../components/task-run.tsx';
import { useTask } from '../../state/task.ts';
import { type DriveWhere, exportOf, fieldError, severityState, stepText, unplaced } from './model.ts';
import classes from './bundles.module.css';

/** An NFS export for the VM: what stands against it is told before `ext_mount.conf` is written. */
export function MountExport({
  where,
  file,
  participant,
}: {
  where: DriveWhere;
  file: string | undefined;
  participant: string | undefined;
}) {
  const t = useTexts();
  const [server, setServer] = useState('');
  const [path, setPath] = useState('');
  const [anyway, setAnyway] = useState(false);
  const [checkedFor, setCheckedFor] = useState('');
  const check = useTask('user_data.check_mount');
  const write = useTask('user_data.mount_conf');
  const nfs = exportOf(server, path);
  const whose = file === undefined || participant === undefined ? {} : { file, participant };
  const look = async (): Promise<void> => {
    setAnyway(false);
    write.reset();
    const site = 'site' in where ? { site: where.site, file: where.file } : {};
    const answer = await check.run({ ...whose, ...site, nfs });
    if (answer.ok) setCheckedFor(nfs);
  };
  const found = check.value && checkedFor === nfs ? check.value : undefined;
  const isBad = found?.findings.some(({ severity }) => severity === 'problem') ?? false;
  const error = check.error ?? write.error;
  const left = unplaced(error, 'nfs');
  return (
    <form
      className={classes.column}
      onSubmit={(event) => {
        event.preventDefault();
        void look();
      }}
    >
      <TextInput
        label={t('bundles.data.server')}
        description={t('bundles.data.serverHint')}
        placeholder={t('bundles.data.serverExample')}
        classNames={{ input: 'mono' }}
        value={server}
        onChange={(event) => setServer(event.currentTarget.value)}
      />
      <TextInput
        label={t('bundles.data.export')}
        description={t('bundles.data.exportHint')}
        placeholder={t('bundles.data.exportExample')}
        classNames={{ input: 'mono' }}
        value={path}
        error={fieldError(error, 'nfs')}
        onChange={(event) => setPath(event.currentTarget.value)}
      />
      <Group gap="sm">
        <Button
          type="submit"
          variant={found ? 'default' : 'filled'}
          disabled={server.trim() === '' || path.trim() === '' || check.status === 'running'}
        >
          {t('bundles.data.check')}
        </Button>
        {found ? null : <span className="muted">{t('bundles.data.checkFirst')}</span>}
      </Group>
      <TaskRun task={check} label={stepText(t, 'check')} />
      {left ? <ErrorNotice error={left} /> : null}
      {found ? (
        <section aria-labelledby="mount-check">
          <h3 id="mount-check">{t('bundles.data.checked')}</h3>
          <ul className={classes.findings}>
            {found.findings.map(({ severity, message, hint }) => (
              <li key={message}>
                <StateBadge state={severityState[severity]}>{message}</StateBadge>
                {hint === undefined ? null : <div className={classes.more}>{hint}</div>}
              </li>
            ))}
          </ul>
          <p className="muted">{t('bundles.data.tried', { from: found.from })}</p>
          <div className={classes.line}>
            <div className="muted">{t('bundles.data.line')}</div>
            <Copyable text={found.line} />
            <div className="muted">{t('bundles.data.exportsLine')}</div>
            <Copyable text={found.exports_line} />
          </div>
          {isBad ? (
            <Checkbox
              mt="sm"
              label={t('bundles.data.anyway')}
              checked={anyway}
              onChange={(event) => setAnyway(event.currentTarget.checked)}
            />
          ) : null}
          <Group gap="sm" mt="sm">
            <Button
              disabled={(isBad && !anyway) || write.status === 'running'}
              onClick={() => void write.run({ ...where, ...whose, nfs, ...(isBad ? { anyway } : {}) })}
            >
              {t('bundles.data.writeMount')}
            </Button>
          </Group>
          <TaskRun task={write} label={stepText(t, write.step)} />
          {write.value ? <StateBadge state="ok">{t('bundles.data.mountDone')}</StateBadge> : null}
        </section>
      ) : null}
      <p className="muted">{t('bundles.data.operator')}</p>
    </form>
  );
}
