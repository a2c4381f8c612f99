import { Menu, UnstyledButton } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useNavigate } from 'react-router';
import type { Client } from '../bridge/client.ts';
import { workspaceReplica } from '../state/replicas.ts';
import { useTexts } from './texts.ts';
import classes from './project-menu.module.css';

/** The open project, and the way to the others. */
export function ProjectMenu({ client }: { client: Client }) {
  const t = useTexts();
  const navigate = useNavigate();
  // Not the whole picture: it changes all the time while sites are worked on.
  const name = workspaceReplica.use((replica) => replica.value?.open?.name);
  const label = workspaceReplica.use((replica) => replica.value?.open?.label);
  const recent = workspaceReplica.use((replica) => replica.value?.recent) ?? [];
  const others = recent.filter((item) => item.label !== label);
  return (
    <Menu position="bottom-start" width={320}>
      <Menu.Target>
        <UnstyledButton className={classes.button}>
          <span className={classes.name}>{name ?? t('shell.noProject')}</span>
          <IconChevronDown size={14} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {others.length > 0 ? <Menu.Label>{t('shell.recent')}</Menu.Label> : null}
        {others.slice(0, 10).map((item) => (
          <Menu.Item
            key={item.id}
            disabled={!item.available}
            onClick={() => void client.call('workspace.open_recent', { id: item.id })}
          >
            <div>{item.name}</div>
            <div className={`muted ${classes.path}`}>{item.label}</div>
          </Menu.Item>
        ))}
        {others.length > 0 ? <Menu.Divider /> : null}
        <Menu.Item onClick={() => void navigate('/overview?begin')}>{t('shell.openOther')}</Menu.Item>
        {name !== undefined ? (
          <Menu.Item onClick={() => void client.call('workspace.close', {})}>
            {t('shell.closeProject')}
          </Menu.Item>
        ) : null}
      </Menu.Dropdown>
    </Menu>
  );
}
