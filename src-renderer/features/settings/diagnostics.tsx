import { Button, Checkbox, Code, Group } from '@mantine/core';
import { useState } from 'react';
import type { Envelope } from '../../../src-main/contract/kernel.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { formatBytes } from '../../components/format.ts';
import { StateBadge } from '../../components/state-badge.tsx';
import { useAction } from '../../state/action.ts';

/** The redacted bundle, shown before it is saved; and the audit trail. */
export function Diagnostics() {
  const t = useTexts();
  const client = useClient();
  const [leftOut, setLeftOut] = useState<string[]>([]);
  const bundle = useAction(() => client.call('diagnostics.bundle', {}));
  const save = useAction(async (): Promise<Envelope<{ files: number } | undefined>> => {
    const picked = await client.call('places.pick', {
      purpose: 'save_file',
      suggested_name: 'flaredesk-diagnostics.zip',
    });
    if (!picked.ok) return picked;
    if (!picked.value.place) return { ok: true, value: undefined };
    return client.call('diagnostics.save_bundle', { file: picked.value.place.token, leave_out: leftOut });
  });
  const audit = useAction(() => client.call('diagnostics.audit', { limit: 1 }));
  const exportAudit = useAction(async (): Promise<Envelope<{ entries: number } | undefined>> => {
    const picked = await client.call('places.pick', {
      purpose: 'save_file',
      suggested_name: 'flaredesk-audit.jsonl',
    });
    if (!picked.ok) return picked;
    if (!picked.value.place) return { ok: true, value: undefined };
    return client.call('diagnostics.export_audit', { file: picked.value.place.token });
  });
  const error = bundle.error ?? save.error ?? audit.error ?? exportAudit.error;
  return (
    <>
      {error ? <ErrorNotice error={error} /> : null}
      <Group gap="sm">
        <Button
          variant="default"
          loading={bundle.status === 'running'}
          onClick={() => void bundle.run(undefined)}
        >
          {t('settings.showBundle')}
        </Button>
        {bundle.value ? (
          <Button loading={save.status === 'running'} onClick={() => void save.run(undefined)}>
            {t('settings.saveBundle')}
          </Button>
        ) : null}
        {save.value ? (
          <StateBadge state="ok">{t('settings.saved', { count: save.value.files })}</StateBadge>
        ) : null}
      </Group>
      {bundle.value?.files.map((file) => (
        <details key={file.name} style={{ marginTop: 8 }}>
          <summary>
            <Checkbox
              style={{ display: 'inline-flex', verticalAlign: 'middle', marginRight: 8 }}
              aria-label={file.name}
              checked={!leftOut.includes(file.name)}
              onChange={(event) =>
                setLeftOut((was) =>
                  event.currentTarget.checked
                    ? was.filter((name) => name !== file.name)
                    : [...was, file.name],
                )
              }
            />
            <span className="mono">{file.name}</span>{' '}
            <span className="muted">
              {formatBytes(file.bytes)} · {file.about}
            </span>
          </summary>
          <Code block tabIndex={0} style={{ maxHeight: 240 }}>
            {file.preview}
          </Code>
        </details>
      ))}
      <h3 style={{ margin: '16px 0 4px', fontSize: 13 }}>{t('settings.audit')}</h3>
      <p className="muted" style={{ margin: '0 0 8px' }}>
        {t('settings.auditAbout')}
      </p>
      <Group gap="sm">
        <Button
          variant="default"
          loading={audit.status === 'running'}
          onClick={() => void audit.run(undefined)}
        >
          {t('common.sites.check')}
        </Button>
        <Button
          variant="default"
          loading={exportAudit.status === 'running'}
          onClick={() => void exportAudit.run(undefined)}
        >
          {t('settings.exportAudit')}
        </Button>
        {audit.value ? (
          <StateBadge state={audit.value.intact ? 'ok' : 'bad'}>
            {audit.value.intact
              ? t('settings.auditIntact')
              : t('settings.auditBroken', { seq: audit.value.broken_at ?? 0 })}
          </StateBadge>
        ) : null}
        {exportAudit.value ? (
          <StateBadge state="ok">{t('settings.exported', { count: exportAudit.value.entries })}</StateBadge>
        ) : null}
      </Group>
    </>
  );
}
