import { createTheme, type MantineColorsTuple } from '@mantine/core';
import { common } from './texts-common.ts';

/** One accent: a quiet teal that stays readable on both grounds. */
const accent: MantineColorsTuple = [
  '#e6f6f6',
  '#d3eaea',
  '#a8d5d6',
  '#79bfc0',
  '#53adae',
  '#3aa1a3',
  '#277c7e',
  '#1f6f71',
  '#116062',
  '#005153',
];

/** Neutral greys without a tint. */
const gray: MantineColorsTuple = [
  '#f8f8f9',
  '#f0f1f2',
  '#e4e6e8',
  '#d3d6da',
  '#b6bbc1',
  '#8f969e',
  '#5f6670',
  '#4a5059',
  '#33383f',
  '#1d2126',
];
const dark: MantineColorsTuple = [
  '#d7dade',
  '#b9bec5',
  '#a3a9b2',
  '#717883',
  '#434952',
  '#363b43',
  '#2a2e35',
  '#1f2328',
  '#191c20',
  '#131518',
];

const overlayTitle = { fontWeight: 600, lineHeight: 1.35, overflowWrap: 'anywhere' } as const;

export const theme = createTheme({
  primaryColor: 'accent',
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  colors: { accent, gray, dark },
  defaultRadius: 4,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif',
  fontFamilyMonospace:
    'ui-monospace, "SF Mono", "Cascadia Mono", "Noto Sans Mono", "DejaVu Sans Mono", monospace',
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
  headings: {
    fontWeight: '600',
    sizes: { h1: { fontSize: '20px' }, h2: { fontSize: '16px' }, h3: { fontSize: '14px' } },
  },
  respectReducedMotion: true,
  components: {
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': common.close } } },
    InputWrapper: {
      styles: {
        description: { fontSize: 12, lineHeight: 1.4 },
        error: { color: 'var(--bad)', fontSize: 12, lineHeight: 1.4 },
      },
    },
    Button: { defaultProps: { size: 'xs' } },
    TextInput: { defaultProps: { size: 'xs' } },
    NumberInput: { defaultProps: { size: 'xs' } },
    Select: { defaultProps: { size: 'xs' } },
    Textarea: { defaultProps: { size: 'xs' } },
    PasswordInput: { defaultProps: { size: 'xs' } },
    SegmentedControl: {
      styles: {
        root: { padding: 3, border: '1px solid var(--line)', background: 'var(--panel)' },
        label: { paddingInline: 10 },
      },
    },
    Checkbox: { defaultProps: { size: 'xs' }, styles: { description: { fontSize: 12 } } },
    Switch: { styles: { description: { fontSize: 12 } } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
    Drawer: { defaultProps: { shadow: 'md' }, styles: { title: overlayTitle } },
    Modal: { defaultProps: { shadow: 'md', centered: true }, styles: { title: overlayTitle } },
  },
});
