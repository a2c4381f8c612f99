import { useTexts } from '../../app/texts.ts';
import { ccFile, pairsText, record, setPairs, setValue, text } from './cc-model.ts';
import type { WithError } from './cc-part.ts';
import { Field } from './field.tsx';
import classes from './project.module.css';

const drives = [
  'root_drive_size',
  'applog_drive_size',
  'user_config_drive_size',
  'user_data_drive_size',
] as const;

/** Drives, archive and user configuration of the image. */
export function ImagePart({ participant, values, edit, error }: WithError) {
  const t = useTexts();
  const file = ccFile(participant);
  return (
    <>
      <h3 className={classes.heading}>{t('project.cc.image')}</h3>
      <div className={classes.fields}>
        {drives.map((key) => (
          <Field
            key={key}
            label={t(`project.cc.drives.${key}`)}
            value={text(values[key])}
            error={error(key)}
            onCommit={(value) => edit([setValue(file, [key], value, 'number')])}
          />
        ))}
        <div className={classes.wide}>
          <Field
            label={t('project.cc.archive')}
            description={t('project.cc.archiveAbout')}
            value={text(values.docker_archive)}
            error={error('docker_archive')}
            mono
            onCommit={(value) => edit([setValue(file, ['docker_archive'], value)])}
          />
        </div>
        <div className={classes.wide}>
          <Field
            label={t('project.cc.userConfig')}
            description={t('project.cc.userConfigAbout')}
            value={pairsText(
              Object.fromEntries(
                Object.entries(record(values.user_config)).filter(([name]) => name !== 'nvflare'),
              ),
            )}
            error={error('user_config')}
            lines={1}
            mono
            onCommit={(value) =>
              edit((now) => setPairs(file, 'user_config', now.user_config, value, ['nvflare']))
            }
          />
        </div>
      </div>
    </>
  );
}
