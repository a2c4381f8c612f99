import { Button, Checkbox, Group, Select } from '@mantine/core';
import { useNavigate } from 'react-router';
import type { DraftOperation } from '../../../src-main/contract/drafts.ts';
import { useTexts } from '../../app/texts.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { FindingList } from '../../components/finding-list.tsx';
import {
  array,
  ccFile,
  environments,
  hasNfs,
  type Issuer,
  issuerIndex,
  linesOf,
  listText,
  pairsText,
  portsOf,
  record,
  setList,
  setPairs,
  setValue,
  switchIssuer,
  text,
  withNfs,
} from './cc-model.ts';
import { useIssuers } from './confidential.tsx';
import { ccFindingsOf, type Draft, type DraftParticipant, useEdit } from './draft.ts';
import { Field } from './field.tsx';
import classes from './project.module.css';

const drives = [
  'root_drive_size',
  'applog_drive_size',
  'user_config_drive_size',
  'user_data_drive_size',
] as const;

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

type Values = Readonly<Record<string, unknown>>;

interface PartProps {
  draft: Draft;
  participant: DraftParticipant;
  values: Values;
  /** What depends on the file's other values is made when its turn comes. */
  edit: (change: DraftOperation[] | ((values: Values) => DraftOperation[])) => void;
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

type WithError = PartProps & { error: (key: string) => string | undefined };

function ImagePart({ participant, values, edit, error }: WithError) {
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

function NetworkPart({ participant, values, edit, error }: WithError) {
  const t = useTexts();
  const file = ccFile(participant);
  const misspelt = values.host_entries !== undefined;
  const hostsKey = misspelt ? 'host_entries' : 'hosts_entries';
  const nfs = hasNfs(values.allowed_out_ports);
  return (
    <>
      <h3 className={classes.heading}>{t('project.cc.network')}</h3>
      <div className={classes.fields}>
        <Field
          label={t('project.cc.inside')}
          value={listText(values.allowed_ports, ', ')}
          error={error('allowed_ports')}
          onCommit={(value) => edit([setList(file, 'allowed_ports', portsOf(value))])}
        />
        <Field
          label={t('project.cc.outside')}
          value={listText(values.allowed_out_ports, ', ')}
          error={error('allowed_out_ports')}
          onCommit={(value) => edit([setList(file, 'allowed_out_ports', portsOf(value))])}
        />
        <div className={classes.wide}>
          <Checkbox
            label={t('project.cc.nfs')}
            description={t('project.cc.nfsAbout')}
            checked={nfs}
            onChange={(event) => {
              const on = event.currentTarget.checked;
              edit((now) => [setList(file, 'allowed_out_ports', withNfs(now.allowed_out_ports, on))]);
            }}
          />
        </div>
        <div className={classes.wide}>
          <Field
            label={t('project.cc.hosts')}
            description={t('project.cc.hostsAbout')}
            value={pairsText(values[hostsKey])}
            error={error(hostsKey)}
            lines={1}
            mono
            onCommit={(value) => edit((now) => setPairs(file, hostsKey, now[hostsKey], value))}
          />
          {misspelt && values.hosts_entries === undefined ? (
            <Button
              variant="default"
              mt="xs"
              onClick={() => edit([{ op: 'rename_key', file, path: ['host_entries'], key: 'hosts_entries' }])}
            >
              {t('project.cc.renameHosts')}
            </Button>
          ) : null}
        </div>
      </div>
    </>
  );
}

function IssuersPart({ participant, values, edit }: PartProps) {
  const t = useTexts();
  const issuers = useIssuers();
  const file = ccFile(participant);
  const shown = issuers.filter(
    (one) => one.environments.includes(text(values.compute_env)) || issuerIndex(values, one.path) >= 0,
  );
  const frequency = record(values.cc_attestation).check_frequency;
  const unknown = array(values.cc_issuers)
    .map((one) => text(record(one).path))
    .filter((path) => path !== '' && !issuers.some((one) => one.path === path));
  return (
    <>
      <h3 className={classes.heading}>{t('project.cc.issuers')}</h3>
      <p className={classes.about}>{t('project.cc.issuersAbout')}</p>
      <Field
        label={t('project.cc.frequency')}
        value={text(frequency)}
        onCommit={(value) => edit([setValue(file, ['cc_attestation', 'check_frequency'], value, 'number')])}
      />
      {shown.map((issuer) => (
        <IssuerPart
          key={issuer.path}
          issuer={issuer}
          at={issuerIndex(values, issuer.path)}
          item={record(array(values.cc_issuers)[issuerIndex(values, issuer.path)])}
          file={file}
          onSwitch={(on) => edit((now) => switchIssuer(file, now, issuer, on))}
          edit={edit}
        />
      ))}
      {unknown.length > 0 && issuers.length > 0 ? (
        <p className="muted">{t('project.cc.otherIssuers', { names: unknown.join(', ') })}</p>
      ) : null}
    </>
  );
}

function IssuerPart({
  issuer,
  at,
  item,
  file,
  onSwitch,
  edit,
}: {
  issuer: Issuer;
  at: number;
  item: Readonly<Record<string, unknown>>;
  file: `cc:${string}`;
  onSwitch: (on: boolean) => void;
  edit: PartProps['edit'];
}) {
  const t = useTexts();
  const args = record(item.args);
  const path = ['cc_issuers', at];
  return (
    <fieldset className={classes.group}>
      <Checkbox
        label={issuer.title}
        description={issuer.remark}
        checked={at >= 0}
        onChange={(event) => onSwitch(event.currentTarget.checked)}
      />
      {at < 0 ? null : (
        <div className={classes.fields}>
          <Field
            label={t('project.cc.issuerId', { issuer: issuer.title })}
            value={text(item.id)}
            onCommit={(value) => edit([setValue(file, [...path, 'id'], value)])}
          />
          <Field
            label={t('project.cc.expiration', { issuer: issuer.title })}
            value={text(item.token_expiration)}
            onCommit={(value) => edit([setValue(file, [...path, 'token_expiration'], value, 'number')])}
          />
          {issuer.args.map((argument) =>
            argument.choices ? (
              <Select
                key={argument.name}
                label={argument.name}
                description={argument.about}
                data={argument.choices}
                value={text(args[argument.name]) || null}
                placeholder={text(argument.fallback)}
                clearable
                onChange={(value) => edit([setValue(file, [...path, 'args', argument.name], value ?? '')])}
              />
            ) : (
              <Field
                key={argument.name}
                label={argument.name}
                description={argument.about}
                value={text(args[argument.name])}
                placeholder={text(argument.fallback)}
                onCommit={(value) =>
                  edit([
                    setValue(
                      file,
                      [...path, 'args', argument.name],
                      value,
                      argument.kind === 'text' ? 'text' : 'number',
                    ),
                  ])
                }
              />
            ),
          )}
        </div>
      )}
    </fieldset>
  );
}
