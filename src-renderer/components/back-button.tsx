import { Button } from '@mantine/core';
import { IconArrowLeft } from '@tabler/icons-react';
import { useNavigate } from 'react-router';

/** The way back to the page this one was reached from. */
export function BackButton({ to, children }: { to: string; children: string }) {
  const navigate = useNavigate();
  return (
    <Button
      variant="default"
      leftSection={<IconArrowLeft size={14} aria-hidden />}
      onClick={() => void navigate(to)}
    >
      {children}
    </Button>
  );
}
