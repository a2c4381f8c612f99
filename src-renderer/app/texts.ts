import i18next from 'i18next';
import { initReactI18next, useTranslation } from 'react-i18next';
import { common } from './texts-common.ts';
import { attestation } from '../features/attestation/texts.ts';
import { builds } from '../features/builds/texts.ts';
import { bundles } from '../features/bundles/texts.ts';
import { consoleTexts } from '../features/console/texts.ts';
import { hosts } from '../features/hosts/texts.ts';
import { jobs } from '../features/jobs/texts.ts';
import { kbs } from '../features/kbs/texts.ts';
import { overview } from '../features/overview/texts.ts';
import { project } from '../features/project/texts.ts';
import { prompts } from '../features/prompts/texts.ts';
import { settings } from '../features/settings/texts.ts';
import { sites } from '../features/sites/texts.ts';
import { tasks } from '../features/tasks/texts.ts';
import { shell } from './texts-shell.ts';

/** The catalogue: every text of the windows, one object a feature. English first; a language is one more catalogue. */
const catalogue = {
  common,
  shell,
  attestation,
  builds,
  bundles,
  console: consoleTexts,
  hosts,
  jobs,
  kbs,
  overview,
  project,
  prompts,
  settings,
  sites,
  tasks,
} as const;

type Leaves<T, Prefix extends string = ''> = {
  [K in keyof T & string]: T[K] extends string ? `${Prefix}${K}` : Leaves<T[K], `${Prefix}${K}.`>;
}[keyof T & string];

type PluralBase<K extends string> = K extends `${infer Base}_one` | `${infer Base}_other` ? Base : K;

/** A key of the catalogue, as `common.cancel`; a counted text goes by its base (`sites.count`). */
export type TextKey = PluralBase<Leaves<typeof catalogue>>;

export async function initTexts(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: 'en',
    resources: { en: { translation: catalogue } },
    interpolation: { escapeValue: false },
    returnNull: false,
  });
}

export type Translate = (key: TextKey, values?: Record<string, string | number>) => string;

/** The text of a key with its values put in; a plural follows `count`. */
export function useTexts(): Translate {
  const { t } = useTranslation();
  return t as unknown as Translate;
}
