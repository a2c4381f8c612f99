import { Button, Drawer } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import type { Envelope } from '../../../src-main/contract/kernel.ts';
import type { CallOutput } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import facts from '../../components/facts.module.css';
import { RelativeTime } from '../../components/relative-time.tsx';
import { StateBadge, type StateKind } from '../../components/state-badge.tsx';
import { useAction } from '../../state/action.ts';
import { classWord } from './class-word.ts';
import classes from './attestation.module.css';
import { AttestationBadge, type AttestedSite as Site } from '../../components/attestation-badge.tsx';

type Evidence = CallOutput<'attestation.evidence'>;
const checkStates: Record<Evidence['checks'][number]['state'], StateKind> = {
  passed: 'ok',
  failed: 'bad',
  not_checked: 'unknown',
};

/** One site: its badge, what it does not prove, who says what until when, the report field by field. */
export function SiteDrawer({
  site,
  onCheck,
  checking,
  onClose,
}: {
  site: Site | undefined;
  onCheck: (site: string) => void;
  checking: boolean;
  onClose: () => void;
}) {
  const t = useTexts();
  return (
    <Drawer
      opened={site !== undefined}
      onClose={onClose}
      position="right"
      size={640}
      title={site ? t('attestation.detail', { site: site.site }) : ''}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {site ? <SiteDetail key={site.site} site={site} onCheck={onCheck} checking={checking} /> : null}
    </Drawer>
  );
}

function SiteDetail({
  site,
  onCheck,
  checking,
}: {
  site: Site;
  onCheck: (site: string) => void;
  checking: boolean;
}) {
  const t = useTexts();
  return (
    <>
      <div className={classes.lead}>
        <AttestationBadge site={site} />
        <Button size="compact-sm" loading={checking} onClick={() => onCheck(site.site)}>
          {t('attestation.check')}
        </Button>
      </div>
      <p>{site.message}</p>
      {site.hint === undefined ? null : <p>{site.hint}</p>}
      <h2 className={classes.heading}>{t('attestation.limit')}</h2>
      <p>{site.limit}</p>
      {site.last_verified_at === undefined ? null : (
        <p>
          {t('attestation.lastAttested')} <RelativeTime at={site.last_verified_at} />.{' '}
          {t('attestation.now', { label: site.label })}
        </p>
      )}
      {site.contradictions.length === 0 ? null : (
        <>
          <h2 className={classes.heading}>{t('attestation.contradictions')}</h2>
          {site.contradictions.map(({ id, message }) => (
            <p key={id}>
              <StateBadge state="warn">{message}</StateBadge>
            </p>
          ))}
        </>
      )}
      <h2 className={classes.heading}>{t('attestation.claims')}</h2>
      <dl className={facts.facts}>
        {site.claims.map((claim) => (
          <Claim key={`${claim.class} ${claim.at} ${claim.claim}`} claim={claim} />
        ))}
      </dl>
      <h2 className={classes.heading}>{t('attestation.stages')}</h2>
      <dl className={`${facts.facts} ${classes.stages}`}>
        {site.stages.map(({ name, state, text, at, source }) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name.replaceAll('_', ' ')}</dt>
            <dd>
              <StateBadge state={state}>{text}</StateBadge>
              <Said by={source} at={at} />
            </dd>
          </div>
        ))}
      </dl>
      <Report site={site.site} newest={site.at} />
    </>
  );
}

function Claim({ claim }: { claim: Site['claims'][number] }) {
  const t = useTexts();
  return (
    <>
      <dt>{classWord(t, claim.class)}</dt>
      <dd className={claim.counts ? undefined : classes.old}>
        <div>{claim.claim}</div>
        <Said by={claim.source} at={claim.at}>
          {claim.counts
            ? claim.until === undefined
              ? t('attestation.always')
              : `${t('attestation.counts')} ${new Date(claim.until).toLocaleTimeString()}`
            : t('attestation.over')}
        </Said>
      </dd>
    </>
  );
}

/** Who said it, how long ago, and until when it counts. */
function Said({
  by,
  at,
  children,
}: {
  by: string | undefined;
  at: string | undefined;
  children?: ReactNode;
}) {
  if (by === undefined && at === undefined) return null;
  return (
    <span className={classes.said}>
      {by === undefined ? null : <span>{by}</span>}
      {at === undefined ? null : <RelativeTime at={at} />}
      {children === undefined ? null : <span>{children}</span>}
    </span>
  );
}

function Report({ site, newest }: { site: string; newest: string | undefined }) {
  const t = useTexts();
  const client = useClient();
  const evidence = useAction(async (name: string): Promise<Envelope<Evidence | undefined>> => {
    const entries = await client.call('attestation.timeline', { site: name, limit: 50 });
    if (!entries.ok) return entries;
    const last = entries.value.entries.find(
      ({ class: kind, kind: what }) => kind === 'H' && what === 'evidence',
    );
    return last === undefined
      ? { ok: true, value: undefined }
      : client.call('attestation.evidence', { id: last.id });
  });
  const { run } = evidence;
  useEffect(() => {
    if (newest !== '') void run(site);
  }, [run, site, newest]);
  if (evidence.error) return <ErrorNotice error={evidence.error} />;
  const { value } = evidence;
  if (value === undefined) return <p className="muted">{t('attestation.noReport')}</p>;
  return (
    <>
      <h2 className={classes.heading}>{t('attestation.checks')}</h2>
      <ul className={classes.checks}>
        {value.checks.map(({ name, title, state, message }) => (
          <li key={name}>
            <StateBadge state={checkStates[state]}>{title}</StateBadge>
            <span className="muted">{message}</span>
          </li>
        ))}
      </ul>
      <h2 className={classes.heading}>{t('attestation.report')}</h2>
      <table className={classes.fields}>
        <tbody>
          {value.fields.map((field) => (
            <tr key={field.offset}>
              <td className={`mono ${classes.offset ?? ''}`}>
                0x{field.offset.toString(16).padStart(3, '0')}
              </td>
              <th scope="row">{field.name}</th>
              <td>
                <Copyable text={field.value} length={28} />
              </td>
              <td>{field.meaning}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {value.tokens.map(({ namespace, signature, nonce, claims }) => (
        <section key={namespace} aria-label={t('attestation.token', { namespace })}>
          <h2 className={classes.heading}>{t('attestation.token', { namespace })}</h2>
          <p>
            <StateBadge state="unknown">{t('attestation.tokenSignature')}</StateBadge> {signature}
          </p>
          <table className={classes.fields}>
            <tbody>
              {nonce === undefined ? null : (
                <tr>
                  <th scope="row">{t('attestation.nonce')}</th>
                  <td>
                    <Copyable text={nonce} length={28} />
                  </td>
                </tr>
              )}
              {claims.map((claim) => (
                <tr key={claim.name}>
                  <th scope="row">{claim.name}</th>
                  <td>{claim.value}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ))}
      {value.raw === undefined ? null : (
        <p>
          {t('attestation.raw')} <Copyable text={value.raw} length={28} />
        </p>
      )}
    </>
  );
}
