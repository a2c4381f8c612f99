import { zodResolver } from '@hookform/resolvers/zod';
import { Button, Group, NumberInput, Select, TextInput } from '@mantine/core';
import { Controller, type Control, useForm, type UseFormRegister } from 'react-hook-form';
import { useNavigate } from 'react-router';
import { type DraftOperation, type SiteForm, siteFormSchema } from '../../../src-main/contract/drafts.ts';
import { useTexts } from '../../app/texts.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { FindingList } from '../../components/finding-list.tsx';
import { type Draft, type DraftParticipant, findingsOf, stepOfType, useEdit } from './draft.ts';
import { TestConnection } from './test-connection.tsx';
import classes from './project.module.css';

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const list = (value: unknown, separator: string): string =>
  Array.isArray(value) ? value.map(String).join(separator) : text(value);

function formOf(participant: DraftParticipant | undefined, draft: Draft, type: string): SiteForm {
  const own = participant?.properties ?? {};
  const host = participant?.host ?? {};
  const server = draft.model?.participants.find((item) => item.type === 'server');
  return {
    name: participant?.name ?? suggestedName(draft, type),
    org: participant?.org ?? server?.org ?? '',
    role:
      type === 'admin' ? ((text(own.role) || 'project_admin') as NonNullable<SiteForm['role']>) : undefined,
    connect_to: text(own.connect_to),
    fed_learn_port: number(own.fed_learn_port) ?? (type === 'server' && !participant ? 8002 : undefined),
    admin_port: number(own.admin_port),
    host_names: list(own.host_names, ' '),
    ssh: text(host.ssh),
    user: text(host.user),
    port: number(host.port),
    identity: text(host.identity),
    via: text(host.via),
    directory: text(host.directory),
    host_key: text(host.host_key),
    path: list(host.path, ':'),
    chip_id: text(host.chip_id),
  };
}

function suggestedName(draft: Draft, type: string): string {
  if (type !== 'client' && type !== 'relay') return '';
  const stem = type === 'client' ? 'site-' : 'relay-';
  const taken = new Set(draft.model?.participants.map((item) => item.name));
  let next = 1;
  while (taken.has(`${stem}${next}`)) next += 1;
  return `${stem}${next}`;
}

/** What the form says, as changes: an empty field takes the key away, so that defaults apply; unknown keys stay. */
export function operationsOf(
  form: SiteForm,
  before: DraftParticipant | undefined,
  type: string,
): DraftOperation[] {
  const orNull = <T,>(value: T | '' | undefined): T | null =>
    value === '' || value === undefined ? null : value;
  const changes: Record<string, string | number | string[] | null> = { name: form.name, org: form.org };
  if (type === 'admin') changes.role = orNull(form.role);
  if (type === 'server') {
    changes.fed_learn_port = orNull(form.fed_learn_port);
    changes.admin_port = orNull(form.admin_port);
    const names = (form.host_names ?? '').split(/[\s,]+/).filter((name) => name !== '');
    changes.host_names = names.length > 0 ? names : null;
  } else if (typeof before?.properties.connect_to !== 'object') changes.connect_to = orNull(form.connect_to);
  const operations: DraftOperation[] = [];
  if (before) operations.push({ op: 'change_participant', name: before.name, changes });
  else {
    const present = Object.entries(changes).filter(([, value]) => value !== null);
    operations.push({ op: 'add_participant', participant: { ...Object.fromEntries(present), type } });
  }
  if (type !== 'admin') {
    const host = Object.fromEntries(
      Object.entries({
        ssh: form.ssh,
        user: form.user,
        port: form.port,
        identity: form.identity,
        via: form.via,
        directory: form.directory,
        host_key: form.host_key,
        path: (form.path ?? '').split(':').filter((part) => part !== ''),
        chip_id: form.chip_id?.toLowerCase(),
      }).filter(
        ([, value]) => value !== '' && value !== undefined && !(Array.isArray(value) && value.length === 0),
      ),
    );
    const anything = Object.keys(host).length > 0;
    if (anything || before?.host)
      operations.push({ op: 'set_host', name: form.name, host: anything ? host : null });
  }
  return operations;
}

/** The wizard step of one participant: identity, network, host. */
export function ParticipantForm({
  draft,
  participant,
  type,
}: {
  draft: Draft;
  participant: DraftParticipant | undefined;
  type: string;
}) {
  const t = useTexts();
  const navigate = useNavigate();
  const edit = useEdit(draft);
  const form = useForm<SiteForm>({
    resolver: zodResolver(siteFormSchema),
    defaultValues: formOf(participant, draft, type),
    mode: 'onTouched',
  });
  const back = `/project/edit/${stepOfType(type)}`;
  const apply = (another: boolean) =>
    form.handleSubmit(async (values) => {
      const answer = await edit.run(operationsOf(values, participant, type));
      if (!answer.ok) return;
      if (another) form.reset({ ...values, name: nextName(values.name), ssh: '', host_key: '' });
      else void navigate(back);
    });
  const findings = participant ? findingsOf(draft, participant.name) : [];
  const relays =
    draft.model?.participants.filter((item) => item.type === 'relay').map((item) => item.name) ?? [];
  return (
    <form className={classes.formBody} onSubmit={(event) => void apply(false)(event)}>
      <h2 className={classes.heading}>
        {participant
          ? t('project.siteTitle', { name: participant.name })
          : t('project.newSiteTitle', { type })}
      </h2>
      {edit.error ? <ErrorNotice error={edit.error} /> : null}
      <h3 className={classes.heading}>{t('project.groups.identity')}</h3>
      <div className={classes.fields}>
        <Text form={form} name="name" autoFocus />
        <Text form={form} name="org" />
        {type === 'admin' ? (
          <Controller
            control={form.control}
            name="role"
            render={({ field }) => (
              <Select
                label={t('project.fields.role')}
                data={['project_admin', 'org_admin', 'lead', 'member']}
                allowDeselect={false}
                value={field.value ?? null}
                onChange={(value) => field.onChange(value ?? undefined)}
              />
            )}
          />
        ) : null}
      </div>
      {type === 'admin' ? null : (
        <>
          <h3 className={classes.heading}>{t('project.groups.network')}</h3>
          <div className={classes.fields}>
            {type === 'server' ? (
              <>
                <Port control={form.control} name="fed_learn_port" />
                <Port control={form.control} name="admin_port" />
                <Text form={form} name="host_names" wide />
              </>
            ) : typeof participant?.properties.connect_to === 'object' ? null : (
              <Text form={form} name="connect_to" wide suggestions={relays} />
            )}
          </div>
          <h3 className={classes.heading}>{t('project.groups.host')}</h3>
          <p className={classes.about}>{t('project.hostAbout')}</p>
          <div className={classes.fields}>
            <Text form={form} name="ssh" />
            <Text form={form} name="user" />
            <Port control={form.control} name="port" />
            <Text form={form} name="identity" />
            <Text form={form} name="via" />
            <Text form={form} name="directory" />
            <Text form={form} name="host_key" wide mono />
            <Text form={form} name="path" wide mono />
            {type === 'server' || type === 'client' ? (
              <Text form={form} name="chip_id" wide mono help={t('project.chipIdAbout')} />
            ) : null}
          </div>
          {participant && (type === 'server' || type === 'client') ? (
            <>
              <h3 className={classes.heading}>{t('project.steps.confidential')}</h3>
              <Group gap="sm">
                <span className={participant.cc ? 'mono' : 'muted'}>
                  {participant.cc?.file ?? t('project.cc.offShort')}
                </span>
                <Button
                  variant="default"
                  onClick={() => void navigate(`/project/edit/cc/${encodeURIComponent(participant.name)}`)}
                >
                  {t('project.cc.edit')}
                </Button>
              </Group>
            </>
          ) : null}
          {participant?.host ? <TestConnection name={participant.name} /> : null}
        </>
      )}
      {findings.length > 0 ? <FindingList findings={findings} /> : null}
      <Group gap="sm">
        <Button type="submit" loading={edit.status === 'running'}>
          {t('project.apply')}
        </Button>
        {participant ? null : (
          <Button variant="default" onClick={(event) => void apply(true)(event)}>
            {t('project.applyAndNext')}
          </Button>
        )}
        <Button variant="default" onClick={() => void navigate(back)}>
          {t('common.cancel')}
        </Button>
      </Group>
    </form>
  );
}

/** site-3 after site-2; anything without a number at its end is typed anew. */
const nextName = (name: string): string => {
  const found = /^(.*?)(\d+)$/.exec(name);
  return found ? `${found[1]}${Number(found[2]) + 1}` : '';
};

type TextName = Exclude<keyof SiteForm, 'role' | 'port' | 'fed_learn_port' | 'admin_port'>;

function Text({
  form,
  name,
  wide,
  mono,
  help,
  suggestions,
  autoFocus,
}: {
  form: {
    register: UseFormRegister<SiteForm>;
    formState: { errors: Partial<Record<keyof SiteForm, { message?: string }>> };
  };
  name: TextName;
  wide?: boolean;
  mono?: boolean;
  help?: string;
  suggestions?: string[];
  autoFocus?: boolean;
}) {
  const t = useTexts();
  const listId = suggestions ? `suggest-${name}` : undefined;
  return (
    <div className={wide ? classes.wide : undefined}>
      <TextInput
        label={t(`project.fields.${name}`)}
        description={help}
        error={form.formState.errors[name]?.message}
        classNames={mono ? { input: 'mono' } : {}}
        list={listId}
        autoFocus={autoFocus ?? false}
        autoComplete="off"
        spellCheck={false}
        {...form.register(name)}
      />
      {suggestions ? (
        <datalist id={listId}>
          {suggestions.map((item) => (
            <option key={item} value={item} />
          ))}
        </datalist>
      ) : null}
    </div>
  );
}

function Port({
  control,
  name,
}: {
  control: Control<SiteForm>;
  name: 'port' | 'fed_learn_port' | 'admin_port';
}) {
  const t = useTexts();
  return (
    <Controller
      control={control}
      name={name}
      render={({ field, fieldState }) => (
        <NumberInput
          label={t(`project.fields.${name}`)}
          value={field.value ?? ''}
          onChange={(value) => field.onChange(value === '' ? undefined : Number(value))}
          onBlur={field.onBlur}
          allowDecimal={false}
          hideControls
          error={fieldState.error?.message}
        />
      )}
    />
  );
}
