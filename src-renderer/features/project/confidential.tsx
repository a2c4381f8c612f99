import { Button, Checkbox, Group, NumberInput, Select, Switch, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { FindingList } from '../../components/finding-list.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import {
  enableAll,
  type Environment,
  environments,
  type Issuer,
  record,
  setBuildCommand,
  sitesOf,
  text,
} from './cc-model.ts';
import { ccFindingsOf, type Draft, type DraftParticipant, findingsOfStep, useEdit } from './draft.ts';
import { Field } from './field.tsx';
import classes from './project.module.css';

/** The attesters NVFlare has; empty until the answer is there. */
export function useIssuers(): Issuer[] {
  const client = useClient();
  const [issuers, setIssuers] = useState<Issuer[]>([]);
  useEffect(() => {
    let wanted = true;
    void client.call('drafts.issuers', {}).then((answer) => {
      if (wanted && answer.ok) setIssuers(answer.value.issuers);
    });
    return () => {
      wanted = false;
    };
  }, [client]);
  return issuers;
}

/** Confidential computing of the whole project: on or off, where images are built, and the key broker. */
export function Confidential({ draft }: { draft: Draft }) {
  const t = useTexts();
  const edit = useEdit(draft);
  const sites = sitesOf(draft);
  const findings = findingsOfStep(draft, 'confidential');
  if (sites.length === 0) {
    return (
      <div className={classes.formBody}>
        <p className={classes.about}>{t('project.cc.noSites')}</p>
      </div>
    );
  }
  return (
    <div className={classes.formBody}>
      <p className={classes.about}>{t('project.cc.about')}</p>
      {edit.error ? <ErrorNotice error={edit.error} /> : null}
      <Sites draft={draft} sites={sites} edit={edit.run} />
      <BuildPart draft={draft} edit={edit.run} />
      <KbsPart draft={draft} edit={edit.run} />
      {findings.length > 0 ? <FindingList findings={findings} /> : null}
    </div>
  );
}

/** Where NVFlare's example keeps it. */
const archivePlace = 'docker/nvflare-site.tar.gz';

type Edit = ReturnType<typeof useEdit>['run'];

function Sites({ draft, sites, edit }: { draft: Draft; sites: DraftParticipant[]; edit: Edit }) {
  const t = useTexts();
  const navigate = useNavigate();
  const issuers = useIssuers();
  const [environment, setEnvironment] = useState<Environment>('onprem_cvm');
  const [archive, setArchive] = useState('');
  const [frequency, setFrequency] = useState(120);
  const [gpu, setGpu] = useState(false);
  const covered = sites.filter((site) => site.cc);
  const words = { environment, archive, frequency, gpu };
  const all = covered.length === sites.length;
  const toggle = (on: boolean, which: DraftParticipant[]): void =>
    void edit(
      on
        ? enableAll(draft, which, words, issuers)
        : which.filter((site) => site.cc).map((site) => ({ op: 'disable_cc', name: site.name })),
    );
  return (
    <>
      <Switch
        label={t('project.cc.switch')}
        description={t('project.cc.covered', { count: covered.length, total: sites.length })}
        checked={all}
        disabled={issuers.length === 0}
        onChange={(event) => toggle(event.currentTarget.checked, sites)}
      />
      {all ? null : (
        <fieldset className={classes.group}>
          <legend>{t('project.cc.startWith')}</legend>
          <div className={classes.fields}>
            <Select
              label={t('project.cc.environment')}
              data={environments.map((value) => ({ value, label: t(`project.cc.environments.${value}`) }))}
              value={environment}
              allowDeselect={false}
              onChange={(value) => setEnvironment(value ?? 'onprem_cvm')}
            />
            <NumberInput
              label={t('project.cc.frequency')}
              value={frequency}
              min={1}
              allowDecimal={false}
              hideControls
              onChange={(value) => setFrequency(Number(value) || 120)}
            />
            {environment === 'onprem_cvm' ? (
              <>
                <div className={classes.wide}>
                  <TextInput
                    label={t('project.cc.archive')}
                    description={t('project.cc.archiveAbout')}
                    value={archive}
                    placeholder={archivePlace}
                    onChange={(event) => setArchive(event.currentTarget.value)}
                  />
                </div>
                <Checkbox
                  label={t('project.cc.gpu')}
                  checked={gpu}
                  onChange={(event) => setGpu(event.currentTarget.checked)}
                />
              </>
            ) : null}
          </div>
        </fieldset>
      )}
      <ul className={classes.rows} aria-label={t('project.cc.sites')}>
        {sites.map((site) => (
          <li key={site.name} className={classes.row}>
            <Checkbox
              label={site.name}
              checked={site.cc !== undefined}
              disabled={issuers.length === 0}
              onChange={(event) => toggle(event.currentTarget.checked, [site])}
            />
            <span className="mono muted">{site.cc?.file}</span>
            <span className={classes.grow} />
            {site.cc ? <Worst draft={draft} site={site} /> : null}
            {site.cc ? (
              <Button
                variant="default"
                aria-label={t('project.cc.editOf', { name: site.name })}
                onClick={() => void navigate(`/project/edit/cc/${encodeURIComponent(site.name)}`)}
              >
                {t('project.cc.edit')}
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
    </>
  );
}

function Worst({ draft, site }: { draft: Draft; site: DraftParticipant }) {
  const t = useTexts();
  const found = ccFindingsOf(draft, site.name).filter(({ severity }) => severity !== 'info');
  if (found.length === 0) return <StateBadge state="ok">{t('project.fine')}</StateBadge>;
  const errors = found.filter(({ severity }) => severity === 'error').length;
  return (
    <StateBadge state={errors > 0 ? 'bad' : 'warn'}>
      {errors > 0
        ? t('project.cc.errors', { count: errors })
        : t('project.cc.warnings', { count: found.length })}
    </StateBadge>
  );
}

function BuildPart({ draft, edit }: { draft: Draft; edit: Edit }) {
  const t = useTexts();
  const confidential = draft.model?.confidential;
  const [name, setName] = useState('');
  const [ssh, setSsh] = useState('');
  const [command, setCommand] = useState('');
  const builders = Object.entries(confidential?.builders ?? {});
  const add = (): void => {
    const place = ssh === '' ? { local: true } : { ssh };
    void edit([
      {
        op: 'set',
        file: 'desk',
        path: ['builders', name],
        value: { ...place, ...(command === '' ? {} : { command }) },
      },
    ]);
    setName('');
    setSsh('');
    setCommand('');
  };
  return (
    <>
      <h3 className={classes.heading}>{t('project.cc.build')}</h3>
      <Field
        label={t('project.cc.command')}
        description={t('project.cc.commandAbout')}
        value={confidential?.build_image_cmd ?? ''}
        mono
        onCommit={(value) => void edit((now) => setBuildCommand(now, value))}
      />
      {builders.length > 0 ? (
        <ul className={classes.rows} aria-label={t('project.cc.builders')}>
          {builders.map(([builder, written]) => (
            <li key={builder} className={classes.row}>
              <strong>{builder}</strong>
              <span className="mono">
                {record(written).local === true ? t('project.cc.thisMachine') : text(record(written).ssh)}
              </span>
              <span className="mono muted">{text(record(written).command)}</span>
              <span className={classes.grow} />
              <Button
                variant="default"
                aria-label={t('project.cc.removeBuilder', { name: builder })}
                onClick={() => void edit([{ op: 'unset', file: 'desk', path: ['builders', builder] }])}
              >
                {t('common.remove')}
              </Button>
            </li>
          ))}
        </ul>
      ) : null}
      <fieldset className={classes.group}>
        <legend>{t('project.cc.addBuilderTitle')}</legend>
        <div className={classes.fields}>
          <TextInput
            label={t('project.cc.builderName')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label={t('project.cc.builderSsh')}
            value={ssh}
            onChange={(event) => setSsh(event.currentTarget.value)}
          />
          <div className={classes.wide}>
            <TextInput
              label={t('project.cc.builderCommand')}
              value={command}
              onChange={(event) => setCommand(event.currentTarget.value)}
            />
          </div>
        </div>
        <Group mt="sm">
          <Button variant="default" disabled={name.trim() === ''} onClick={add}>
            {t('project.cc.addBuilder')}
          </Button>
        </Group>
      </fieldset>
    </>
  );
}

const kbsKeys = ['address', 'ca', 'server_name', 'admin_key', 'token_file', 'vault', 'vault_ca'] as const;
const profiles = ['auto', 'v0.14', 'v0.15', 'v0.16', 'v0.17', 'v0.18', 'v0.19', 'v0.20', 'v0.21'];

function KbsPart({ draft, edit }: { draft: Draft; edit: Edit }) {
  const t = useTexts();
  const kbs = draft.model?.confidential.kbs ?? {};
  const set = (key: string, value: string): void => {
    const path = ['kbs', key];
    const last = Object.keys(kbs).length === 1 && kbs[key] !== undefined;
    if (value !== '') void edit([{ op: 'set', file: 'desk', path, value }]);
    else void edit([{ op: 'unset', file: 'desk', path: last ? ['kbs'] : path }]);
  };
  return (
    <>
      <h3 className={classes.heading}>{t('project.cc.kbs')}</h3>
      <p className={classes.about}>{t('project.cc.kbsAbout')}</p>
      <div className={classes.fields}>
        {kbsKeys.map((key) => (
          <Field
            key={key}
            label={t(`project.cc.kbsFields.${key}`)}
            value={text(kbs[key])}
            error={
              draft.findings.find(({ path, severity }) => path === `kbs.${key}` && severity === 'error')
                ?.message
            }
            onCommit={(value) => set(key, value)}
          />
        ))}
        <Select
          label={t('project.cc.kbsFields.profile')}
          data={profiles}
          value={text(kbs.profile) || 'auto'}
          allowDeselect={false}
          disabled={text(kbs.address) === ''}
          onChange={(value) => set('profile', value === 'auto' || value === null ? '' : value)}
        />
      </div>
    </>
  );
}
