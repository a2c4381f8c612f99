import { useEffect } from 'react';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { Copyable } from '../../components/copyable.tsx';
import facts from '../../components/facts.module.css';
import { useAction } from '../../state/action.ts';

export function About() {
  const t = useTexts();
  const client = useClient();
  const { run, value } = useAction(() => client.call('diagnostics.about', {}));
  useEffect(() => void run(undefined), [run]);
  if (!value) return null;
  return (
    <dl className={facts.facts}>
      <dt>{t('settings.version')}</dt>
      <dd>{value.version}</dd>
      <dt>{t('settings.lines')}</dt>
      <dd>{value.flare_lines.join(', ')}</dd>
      <dt>{t('settings.platform')}</dt>
      <dd>{value.platform}</dd>
      <dt>{t('settings.stateFolder')}</dt>
      <dd>
        <Copyable text={value.state_folder} />
      </dd>
    </dl>
  );
}
