import { Button, Group, Modal, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '../app/texts.ts';

/** A far-reaching act: names the things and the consequence, and wants a word typed. */
export function ConfirmTyped({
  title,
  message,
  word,
  button,
  disabledReason,
  onConfirm,
}: {
  title: string;
  message: string;
  word: string;
  button: string;
  disabledReason?: string | undefined;
  onConfirm: () => void;
}) {
  const t = useTexts();
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState('');
  const close = (): void => {
    setOpen(false);
    setTyped('');
  };
  return (
    <>
      <Button
        variant="default"
        data-disabled={disabledReason ? true : undefined}
        aria-disabled={disabledReason ? true : undefined}
        title={disabledReason}
        onClick={(event) => {
          event.stopPropagation();
          if (!disabledReason) setOpen(true);
        }}
      >
        {button}
      </Button>
      <Modal opened={open} onClose={close} title={title}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            close();
            onConfirm();
          }}
        >
          <p>{message}</p>
          <TextInput
            data-autofocus
            label={t('common.typeToConfirm', { word })}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Group justify="flex-end" mt="lg">
            <Button variant="default" onClick={close}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" color="red" disabled={typed !== word}>
              {button}
            </Button>
          </Group>
        </form>
      </Modal>
    </>
  );
}
