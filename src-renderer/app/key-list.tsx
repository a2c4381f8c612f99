import { Kbd, Modal } from '@mantine/core';
import { useTexts } from './texts.ts';

const keys = [
  ['Ctrl K', 'shell.keys.palette'],
  ['Ctrl J', 'shell.keys.tasks'],
  ['Alt 1–9', 'shell.keys.page'],
  ['F6', 'shell.keys.region'],
  ['↑ ↓', 'shell.keys.rows'],
  ['Enter', 'shell.keys.open'],
  ['Space', 'shell.keys.select'],
  ['Ctrl C', 'shell.keys.copy'],
  ['Shift Tab', 'shell.keys.leaveConsole'],
  ['?', 'shell.keys.help'],
] as const;

/** The keys that work on every page, in every list and in the console. */
export function KeyList({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const t = useTexts();
  return (
    <Modal opened={opened} onClose={onClose} title={t('shell.shortcuts')}>
      <dl style={{ display: 'grid', gridTemplateColumns: '120px 1fr', gap: 8, margin: 0 }}>
        {keys.map(([key, text]) => (
          <div key={key} style={{ display: 'contents' }}>
            <dt>
              <Kbd>{key}</Kbd>
            </dt>
            <dd style={{ margin: 0 }}>{t(text)}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
