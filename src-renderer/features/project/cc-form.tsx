import { Button, Group, Select } from '@mantine/core';
import { useNavigate } from 'react-router';
import { useTexts } from '../../app/texts.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { FindingList } from '../../components/finding-list.tsx';
import { ImagePart } from './cc-image-part.tsx';
import { IssuersPart } from './cc-issuers-part.tsx';
import { ccFile, environments, linesOf, listText, setList, setValue, text } from './cc-model.ts';
import { NetworkPart } from './cc-network-part.tsx';
import type { PartProps } from './cc-part.ts';
import { ccFindingsOf, type Draft, type DraftParticipant, useEdit } from './draft.ts';
import { Field } from './field.tsx';
import classes from './project.module.css';

/** Confidential computing of one site: a form over its own file; every change is in the file at once. */
export function CcForm({ draft, participant }: { draft: Draft; participant: DraftParticipant }) {
  const t = useTexts();
  const navigate = useNavigate();
  const edit = useEdit(draft);
  const values = participant.cc?.values;
  const findings = ccFindingsOf(draft, participant.name);
  return (
    <div className={classes.formBody}>
      <h2 className={classes.heading}>{t('project.cc.siteTitle', { name: participant.name })}</h2>
      {edit.error ? <ErrorNotice error={edit.error} /> : null}
      {!participant.cc ? (
        <>
          <p className={classes.about}>{t('project.cc.off')}</p>
          <Group>
            <Button onClick={() => void edit.run([{ op: 'enable_cc', name: participant.name }])}>
              {t('project.cc.enableOne')}
            </Button>
          </Group>
        </>
      ) : values ? (
        <Parts
          draft={draft}
          participant={participant}
          values={values}
          edit={(change) =>
            void edit.run((now) => {
              const own = now.model?.participants.find((one) => one.name === participant.name);
              return typeof change === 'function' ? change(own?.cc?.values ?? {}) : change;
            })
          }
        />
      ) : (
        <p>{t(participant.cc.own ? 'project.doesNotParse' : 'project.cc.elsewhere')}</p>
      )}
      {findings.length > 0 ? <FindingList findings={findings} /> : null}
      <Group>
        <Button variant="default" onClick={() => void navigate('/project/edit/confidential')}>
          {t('project.cc.all')}
        </Button>
        <Button
          variant="default"
          onClick={() => void navigate(`/project/edit/site/${encodeURIComponent(participant.name)}`)}
        >
          {t('project.siteTitle', { name: participant.name })}
        </Button>
      </Group>
    </div>
  );
}

function Parts({ draft, participant, values, edit }: PartProps) {
  const t = useTexts();
  const file = ccFile(participant);
  const error = (key: string): string | undefined =>
    ccFindingsOf(draft, participant.name).find(({ path, severity }) => path === key && severity === 'error')
      ?.message;
  const imaged = values.compute_env === 'onprem_cvm';
  const shared = { draft, participant, values, edit };
  return (
    <>
      <h3 className={classes.heading}>{t('project.cc.platform')}</h3>
      <div className={classes.fields}>
        <Select
          label={t('project.cc.environment')}
          data={environments.map((value) => ({ value, label: t(`project.cc.environments.${value}`) }))}
          value={text(values.compute_env)}
          error={error('compute_env')}
          allowDeselect={false}
          onChange={(value) => edit([setValue(file, ['compute_env'], value ?? '')])}
        />
        {imaged ? (
          <Select
            label={t('project.cc.cpu')}
            data={['amd_sev_snp', 'intel_tdx']}
            value={text(values.cc_cpu_mechanism) || null}
            error={error('cc_cpu_mechanism')}
            onChange={(value) => edit([setValue(file, ['cc_cpu_mechanism'], value ?? '')])}
          />
        ) : null}
      </div>
      {imaged ? <ImagePart {...shared} error={error} /> : null}
      {imaged ? <NetworkPart {...shared} error={error} /> : null}
      <IssuersPart {...shared} />
      <h3 className={classes.heading}>{t('project.cc.classes')}</h3>
      <Field
        label={t('project.cc.allowList')}
        description={t('project.cc.allowListAbout')}
        value={listText(values.class_allow_list, '\n')}
        lines={2}
        mono
        onCommit={(value) => edit([setList(file, 'class_allow_list', linesOf(value))])}
      />
    </>
  );
}
