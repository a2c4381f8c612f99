import {
  IconBriefcase,
  IconDatabase,
  IconFileSettings,
  IconKey,
  IconLayoutList,
  IconPackage,
  IconServer,
  IconServerCog,
  IconSettings,
  IconShieldCheck,
  IconTerminal2,
} from '@tabler/icons-react';
import { lazy } from 'react';

/** The pages, in the order of the side bar. Each is a bundle of its own. */
export const pages = [
  {
    path: '/overview',
    text: 'shell.pages.overview',
    icon: IconLayoutList,
    needsProject: false,
    view: lazy(() => import('../features/overview/overview-page.tsx')),
  },
  {
    path: '/project',
    text: 'shell.pages.project',
    icon: IconFileSettings,
    needsProject: true,
    view: lazy(() => import('../features/project/project-page.tsx')),
  },
  {
    path: '/builds',
    text: 'shell.pages.builds',
    icon: IconPackage,
    needsProject: true,
    view: lazy(() => import('../features/builds/builds-page.tsx')),
  },
  {
    path: '/sites',
    text: 'shell.pages.sites',
    icon: IconServer,
    needsProject: true,
    view: lazy(() => import('../features/sites/sites-page.tsx')),
  },
  {
    path: '/hosts',
    text: 'shell.pages.hosts',
    icon: IconServerCog,
    needsProject: true,
    view: lazy(() => import('../features/hosts/hosts-page.tsx')),
  },
  {
    path: '/attestation',
    text: 'shell.pages.attestation',
    icon: IconShieldCheck,
    needsProject: true,
    view: lazy(() => import('../features/attestation/attestation-page.tsx')),
  },
  {
    path: '/kbs',
    text: 'shell.pages.kbs',
    icon: IconKey,
    needsProject: true,
    view: lazy(() => import('../features/kbs/kbs-page.tsx')),
  },
  {
    path: '/console',
    text: 'shell.pages.console',
    icon: IconTerminal2,
    needsProject: true,
    view: lazy(() => import('../features/console/console-page.tsx')),
  },
  {
    path: '/jobs',
    text: 'shell.pages.jobs',
    icon: IconBriefcase,
    needsProject: true,
    view: lazy(() => import('../features/jobs/jobs-page.tsx')),
  },
  {
    path: '/settings',
    text: 'shell.pages.settings',
    icon: IconSettings,
    needsProject: false,
    view: lazy(() => import('../features/settings/settings-page.tsx')),
  },
] as const;

/** Pages below another one: found by the palette, reached from where their things are, not in the side bar. */
export const subPages = [
  {
    path: '/builds/bundles',
    text: 'shell.pages.bundles',
    icon: IconPackage,
    view: lazy(() => import('../features/bundles/bundles-page.tsx')),
  },
  {
    path: '/builds/data',
    text: 'shell.pages.userData',
    icon: IconDatabase,
    view: lazy(() => import('../features/bundles/user-data-page.tsx')),
  },
] as const;

interface Shown {
  kind: 'project' | 'workspace' | 'kit';
  key_broker?: string | undefined;
  participants: readonly { confidential?: boolean | undefined }[];
}

/**
 * The pages of what is open: those of confidential computing only where it is used, the key broker's where desk.yml names
 * one. A kit or a workspace alone does not tell: its federation may be confidential, which the attestation page asks.
 */
export function pagesOf(open: Shown | null | undefined) {
  const isConfidential = open?.participants.some(({ confidential }) => confidential) ?? false;
  const isShown = (path: string): boolean => {
    if (path === '/kbs') return open?.key_broker !== undefined;
    if (path === '/attestation')
      return isConfidential || (open !== null && open !== undefined && open.kind !== 'project');
    return isConfidential || (path !== '/builds' && path !== '/hosts');
  };
  return pages.filter(({ path }) => isShown(path));
}
