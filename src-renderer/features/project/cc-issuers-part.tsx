import { Checkbox, Select } from '@mantine/core';
import { useTexts } from '../../app/texts.ts';
import { array, ccFile, type Issuer, issuerIndex, record, setValue, switchIssuer, text } from './cc-model.ts';
import type { PartProps } from './cc-part.ts';
import { useIssuers } from './confidential.tsx';
import { Field } from './field.tsx';
import classes from './project.module.css';

/** Who attests for the site, how often, and with which arguments. */
export function IssuersPart({ participant, values, edit }: PartProps) {
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
